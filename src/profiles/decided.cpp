#include "profiles/decided.hpp"

#include <algorithm>

namespace sweetspot::profiles {
namespace {

bool is_beside_a_device(const Trial& trial) { return trial.layers == 0 && !is_cpu_alone(trial); }

const Decision* find(const std::vector<Decision>& decided, std::string_view name) {
  const auto found = std::find_if(decided.begin(), decided.end(),
                                  [&](const Decision& one) { return one.name == name; });
  return found == decided.end() ? nullptr : &*found;
}

}  // namespace

std::optional<Ranking> rank_as_decided(const std::vector<Trial>& trials,
                                       const std::vector<std::size_t>& candidates,
                                       const std::vector<Decision>& decided,
                                       std::string_view name) {
  auto ranking = rank(trials, candidates);
  const Decision* const decision = find(decided, name);
  if (!ranking || decision == nullptr || !decision->layers) return ranking;
  std::vector<std::size_t> theirs = candidates;
  std::erase_if(theirs, [&](std::size_t index) {
    return trials[index].layers != *decision->layers || is_beside_a_device(trials[index]);
  });
  const auto best = rank(trials, theirs);
  if (!best || best->chosen == ranking->chosen) return ranking;
  if (is_beside_a_device(trials[ranking->chosen]) &&
      !is_tie(speed_of(trials[ranking->chosen]), speed_of(trials[best->chosen]))) {
    return ranking;
  }
  ranking->tied.push_back(ranking->chosen);
  ranking->chosen = best->chosen;
  std::erase_if(ranking->tied, [&](std::size_t index) {
    return index == ranking->chosen ||
           !is_tie(speed_of(trials[index]), speed_of(trials[ranking->chosen]));
  });
  std::sort(ranking->tied.begin(), ranking->tied.end());
  return ranking;
}

}  // namespace sweetspot::profiles
