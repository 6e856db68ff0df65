#include "profiles/recommendable.hpp"

#include <fmt/format.h>

#include <cstddef>

#include "profiles/spill.hpp"

namespace sweetspot::profiles {
namespace {

std::string too_uncertain(const Estimate& speed) {
  return fmt::format("is too uncertain ({:.3g} to {:.3g} tok/s)", speed.low, speed.high);
}

std::string objection_to(const Trial& trial, bool spilled) {
  if (!trial.measured()) return "was not measured";
  if (trial.extent != Extent::full) return "was only explored";
  if (trial.uncertain()) return too_uncertain(trial.speed()->tokens_per_second);
  if (trial.full_depth == FullDepth::failed) return "failed with the whole context in use";
  if (trial.full_depth == FullDepth::not_tried && trial.full_depth_note.empty()) {
    return "was not tried with the whole context in use";
  }
  return spilled ? "spilled into system memory" : "";
}

}  // namespace

std::vector<std::string> objections(const std::vector<Trial>& trials) {
  const std::vector<bool> spill = spilled(trials);
  std::vector<std::string> all;
  all.reserve(trials.size());
  for (std::size_t index = 0; index < trials.size(); ++index) {
    all.push_back(objection_to(trials[index], spill[index]));
  }
  return all;
}

}  // namespace sweetspot::profiles
