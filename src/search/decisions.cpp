#include "search/decisions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sweetspot::search {
namespace {

// How much of what a measurement gains elsewhere counts: whoever wins there has to be measured too.
constexpr double kOfNeighbours = 0.3;

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

std::vector<double> means_of(const std::vector<std::size_t>& members, const Worlds& worlds) {
  std::vector<double> means;
  means.reserve(members.size());
  for (const std::size_t member : members) {
    double sum = 0;
    for (const auto& world : worlds) sum += world[member];
    means.push_back(sum / static_cast<double>(worlds.size()));
  }
  return means;
}

}  // namespace

Odds odds_of(const Contest& contest, const Worlds& worlds, std::size_t candidates,
             double tolerance) {
  Odds odds;
  odds.gain.assign(candidates, 0);
  if (!contest.measured.empty()) odds.winner = fastest_on_average(contest.measured, worlds);
  if (contest.open.empty() || worlds.empty()) {
    odds.doubt = contest.measured.empty() && !contest.open.empty() ? 1 : 0;
    return odds;
  }
  const double share = 1 / static_cast<double>(worlds.size());
  double lost = 0;
  for (const auto& world : worlds) {
    const std::size_t best = fastest_of(contest.open, world);
    if (!odds.winner) {
      odds.gain[best] += share;
      continue;
    }
    const double gain = 1 - world[best] / world[*odds.winner];
    if (gain <= 0) continue;
    odds.gain[best] += share * gain;
    if (gain > tolerance) lost += share;
  }
  odds.doubt = odds.winner ? lost : 1;
  return odds;
}

std::vector<double> worth_of_measuring(const Contest& contest, const Worlds& worlds,
                                       std::size_t candidates, double noise) {
  std::vector<double> worth(candidates, 0);
  if (contest.measured.empty() || contest.open.empty() || worlds.empty()) return worth;
  std::vector<std::size_t> members = contest.measured;
  members.insert(members.end(), contest.open.begin(), contest.open.end());
  const std::size_t winner = fastest_on_average(contest.measured, worlds);
  const std::vector<double> means = means_of(members, worlds);
  const double best =
      *std::min_element(means.begin(), means.begin() + std::ssize(contest.measured));
  const double least = *std::min_element(means.begin(), means.end());
  const auto count = static_cast<double>(worlds.size());
  std::vector<double> slopes(members.size());
  for (std::size_t k = contest.measured.size(); k < members.size(); ++k) {
    const std::size_t asked = members[k];
    double variance = std::pow(noise * means[k], 2);
    for (const auto& world : worlds) variance += std::pow(world[asked] - means[k], 2) / count;
    for (std::size_t x = 0; x < members.size(); ++x) {
      double covariance = 0;
      for (const auto& world : worlds) {
        covariance += (world[asked] - means[k]) * (world[members[x]] - means[x]);
      }
      slopes[x] = covariance / count / variance;
    }
    double itself = 0;
    double neighbours = 0;
    for (const auto& world : worlds) {
      const double surprise = world[asked] - means[k];
      itself += std::max(0.0, world[winner] - world[asked]) / count;
      double then = std::numeric_limits<double>::infinity();
      for (std::size_t x = 0; x < members.size(); ++x) {
        then = std::min(then, means[x] + slopes[x] * surprise);
      }
      neighbours += (least - then) / count;
    }
    worth[asked] = (itself + kOfNeighbours * std::max(0.0, neighbours)) / best;
  }
  return worth;
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
