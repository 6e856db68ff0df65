#include "app/workload_presets.hpp"

#include <fmt/format.h>

#include <array>

#include "profiles/pick_set.hpp"

namespace sweetspot::app {
namespace {

/// What one request of each kind looks like: tokens of prompt, generation, and already there.
constexpr std::array<WorkloadPreset, 4> kPresets = {{
    {"chat", {256, 256, 1024}},   // a turn of a conversation that has gone on for a while
    {"rag", {2048, 256, 0}},      // a question with the documents that may answer it
    {"code", {1024, 512, 2048}},  // a file, a request, and the change
    {"agent", {512, 256, 6144}},  // the result of a tool after many steps
}};

// Empty where it is none of them.
std::string_view preset_name(const Workload& workload) {
  for (const WorkloadPreset& preset : kPresets) {
    if (profiles::same_requests(preset.workload, workload)) return preset.name;
  }
  return {};
}

std::string prompt_and_answer(const Workload& workload) {
  if (!workload.generates()) return fmt::format("inputs of {} tokens", workload.n_prompt);
  return fmt::format("{} prompt and {} generated tokens", workload.n_prompt, workload.n_gen);
}

}  // namespace

std::span<const WorkloadPreset> workload_presets() { return kPresets; }

std::string workload_in_short(const Workload& workload) {
  const std::string_view name = preset_name(workload);
  return name.empty() ? prompt_and_answer(workload) : std::string(name);
}

std::string workload_in_words(const Workload& workload) {
  const std::string figures =
      fmt::format("{}, {} before them", prompt_and_answer(workload), workload.n_depth);
  const std::string_view name = preset_name(workload);
  return name.empty() ? figures : fmt::format("{} ({})", name, figures);
}

}  // namespace sweetspot::app
