#include "cli/workload_option.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <utility>

#include "app/workload_presets.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

// The number before the next comma, which is taken off `text`; false where there is none.
bool take_number(std::string_view& text, std::uint32_t& number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) return true;
  if (text.front() != ',' || text.size() == 1) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const app::WorkloadPreset& preset : app::workload_presets()) {
    names.emplace_back(preset.name);
  }
  return names;
}

Result<Workload> parse_workload(std::string_view text) {
  for (const app::WorkloadPreset& preset : app::workload_presets()) {
    if (preset.name == text) return preset.workload;
  }
  Workload workload;
  workload.n_depth = 0;
  std::string_view rest = text;
  bool good =
      take_number(rest, workload.n_prompt) && !rest.empty() && take_number(rest, workload.n_gen);
  if (good && !rest.empty()) good = take_number(rest, workload.n_depth) && rest.empty();
  if (good) return workload;
  return error(ErrorKind::usage, fmt::format("--workload does not take '{}'", shortened(text)),
               fmt::format("give {}, or tokens of prompt, generated and before them, as in "
                           "512,128,0",
                           fmt::join(workload_names(), ", ")));
}

}  // namespace sweetspot::cli
