#include "search/placement_costs.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "search/least_time.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {
namespace {

constexpr std::size_t kWorlds = 300;
constexpr std::uint64_t kSeed = 20261124;

using Part = std::optional<Estimate> Arm::*;

// The time model of one part of a trial, and the floors that every point keeps to (least_time.hpp).
struct Fitted {
  TimeModel model;
  std::vector<double> floors_ms;  ///< of each point; 0 where one measured arm refutes them
};

std::optional<Fitted> fit(const std::vector<Arm>& arms, Part part, const ContextSettings& base,
                          const PlacementShape& shape, const std::vector<Placement>& points) {
  std::vector<Observation> seen;
  double scale = 0;
  LeastTime least;
  for (const Arm& arm : arms) {
    const std::optional<Estimate>& ms = arm.*part;
    if (!ms || arm.config.context != base) continue;
    seen.push_back({shape.features(arm.config.placement), ms->value, sd_of(*ms)});
    scale = std::max(scale, ms->value);
    if (seen.back().at.basis[4] > 0) least.cpu_ms = ms->value;
    if (seen.back().at.basis[5] > 0) least.all_ms = ms->value;
  }
  if (seen.empty()) return std::nullopt;
  const auto floor_of = [&](const Placement& placement) {
    return least.at(shape.cpu_share(placement));
  };
  const bool holds = std::none_of(arms.begin(), arms.end(), [&](const Arm& arm) {
    const std::optional<Estimate>& ms = arm.*part;
    return ms && arm.config.context == base && ms->high < floor_of(arm.config.placement);
  });
  std::vector<Features> features;
  features.reserve(points.size());
  std::vector<double> floors;
  floors.reserve(points.size());
  for (const Placement& point : points) {
    features.push_back(shape.features(point));
    floors.push_back(holds ? floor_of(point) : 0);
  }
  return Fitted{TimeModel::fit(shape.prior(scale), seen, features), std::move(floors)};
}

// Worlds of one part, times the tokens of it, onto the sum.
void add_worlds(const std::optional<Fitted>& fitted, double tokens, std::uint64_t seed,
                Worlds& sum) {
  if (!fitted) return;
  const Worlds drawn = fitted->model.draw(kWorlds, seed);
  const std::size_t points = fitted->floors_ms.size();
  if (sum.empty()) sum.assign(drawn.size(), std::vector<double>(points, 0));
  sum.resize(std::min(sum.size(), drawn.size()));
  for (std::size_t w = 0; w < sum.size(); ++w) {
    for (std::size_t k = 0; k < points; ++k) {
      sum[w][k] += tokens * std::max(drawn[w][k], fitted->floors_ms[k]);
    }
  }
}

double expected_ms(const std::optional<Fitted>& fitted, std::size_t point) {
  if (!fitted) return 0;
  return std::max(fitted->model.predict(point).value, fitted->floors_ms[point]);
}

}  // namespace

PassTimes times_of(const Arm& arm) {
  return {arm.generation_ms ? arm.generation_ms->value : 0,
          arm.prompt_ms ? arm.prompt_ms->value : 0};
}

PlacementCosts::PlacementCosts(PlacementShape shape, const TuneRules& rules, ContextSettings base)
    : shape_(std::move(shape)), rules_(rules), base_(std::move(base)) {}

double PlacementCosts::n_gen() const {
  return rules_.objective == Objective::prompt ? 0 : rules_.workload.n_gen;
}

double PlacementCosts::weigh(const PassTimes& times) const {
  return n_gen() * times.generation_ms + rules_.n_prompt() * times.prompt_ms;
}

Worlds PlacementCosts::worlds(const std::vector<Arm>& arms,
                              const std::vector<Placement>& points) const {
  Worlds sum;
  if (n_gen() > 0) {
    add_worlds(fit(arms, &Arm::generation_ms, base_, shape_, points), n_gen(), kSeed, sum);
  }
  if (rules_.n_prompt() > 0) {
    add_worlds(fit(arms, &Arm::prompt_ms, base_, shape_, points), rules_.n_prompt(), kSeed + 1,
               sum);
  }
  return sum;
}

std::vector<PassTimes> PlacementCosts::expected(const std::vector<Arm>& arms,
                                                const std::vector<Placement>& points) const {
  const auto generation = fit(arms, &Arm::generation_ms, base_, shape_, points);
  const auto prompt = fit(arms, &Arm::prompt_ms, base_, shape_, points);
  std::vector<PassTimes> times;
  if (!generation) return times;
  times.reserve(points.size());
  for (std::size_t k = 0; k < points.size(); ++k) {
    times.push_back({expected_ms(generation, k), expected_ms(prompt, k)});
  }
  return times;
}

}  // namespace sweetspot::search
