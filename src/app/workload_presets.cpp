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

}  // namespace

std::span<const WorkloadPreset> workload_presets() { return kPresets; }

std::string workload_in_words(const Workload& workload) {
  std::string figures = fmt::format("{} prompt and {} generated tokens, {} before them",
                                    workload.n_prompt, workload.n_gen, workload.n_depth);
  for (const WorkloadPreset& preset : kPresets) {
    if (profiles::same_requests(preset.workload, workload)) {
      return fmt::format("{} ({})", preset.name, figures);
    }
  }
  return figures;
}

}  // namespace sweetspot::app
