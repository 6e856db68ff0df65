#include "search/decisions.hpp"

#include <algorithm>
#include <limits>

namespace sweetspot::search {
namespace {

std::size_t fastest_of(const std::vector<std::size_t>& members, const std::vector<double>& world) {
  return *std::min_element(members.begin(), members.end(),
                           [&](std::size_t a, std::size_t b) { return world[a] < world[b]; });
}

std::size_t fastest_on_average(const std::vector<std::size_t>& members, const Worlds& worlds) {
  std::size_t best = members.front();
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t member : members) {
    double sum = 0;
    for (const auto& world : worlds) sum += world[member];
    if (sum < least) {
      least = sum;
      best = member;
    }
  }
  return best;
}

}  // namespace

Verdict judge(const Contest& contest, const Worlds& worlds, std::size_t candidates,
              double tolerance) {
  Verdict verdict;
  verdict.gain.assign(candidates, 0);
  if (!contest.measured.empty()) verdict.winner = fastest_on_average(contest.measured, worlds);
  if (contest.open.empty() || worlds.empty()) {
    verdict.doubt = contest.measured.empty() && !contest.open.empty() ? 1 : 0;
    return verdict;
  }
  const double share = 1 / static_cast<double>(worlds.size());
  double lost = 0;
  for (const auto& world : worlds) {
    const std::size_t best = fastest_of(contest.open, world);
    if (!verdict.winner) {
      verdict.gain[best] += share;
      continue;
    }
    const double gain = 1 - world[best] / world[*verdict.winner];
    if (gain <= 0) continue;
    verdict.gain[best] += share * gain;
    if (gain > tolerance) lost += share;
  }
  verdict.doubt = verdict.winner ? lost : 1;
  return verdict;
}

std::pair<int, int> diminishing_range(const Worlds& worlds, const std::vector<std::size_t>& members,
                                      const std::vector<int>& layers, double worthwhile) {
  std::vector<int> counts;
  counts.reserve(worlds.size());
  for (const auto& world : worlds) {
    std::size_t last = members.size() - 1;
    while (last > 0) {
      const std::size_t from = members[last - 1];
      const std::size_t to = members[last];
      const double step = (world[from] - world[to]) / (layers[to] - layers[from]);
      if (step / world[to] >= worthwhile) break;
      --last;
    }
    counts.push_back(layers[members[last]]);
  }
  std::sort(counts.begin(), counts.end());
  const std::size_t tail = counts.size() / 40;
  return {counts[tail], counts[counts.size() - 1 - tail]};
}

}  // namespace sweetspot::search
