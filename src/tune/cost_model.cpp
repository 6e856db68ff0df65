#include "tune/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/no_device.hpp"
#include "search/least_time.hpp"

namespace sweetspot::tune {
namespace {

constexpr std::size_t kConfigWorlds = 300;
constexpr std::uint64_t kConfigSeed = 20261124;

using Measured = std::optional<Estimate> Arm::*;

std::size_t load_of(const std::vector<Arm>& arms, const Placement& placement) {
  const auto found = std::find_if(
      arms.begin(), arms.end(), [&](const Arm& arm) { return arm.config.placement == placement; });
  return static_cast<std::size_t>(found - arms.begin());
}

// What bounds all others: the CPU alone and the device alone, whatever their contexts.
search::LeastTime least_time_of(const std::vector<Arm>& arms, Measured ms,
                                const PlacementShape& shape) {
  search::LeastTime least;
  const auto keep = [](double& known, double now) {
    known = known > 0 ? std::min(known, now) : now;
  };
  for (const Arm& arm : arms) {
    if (!(arm.*ms)) continue;
    const std::vector<double> basis = shape.features(arm.config.placement).basis;
    if (basis[PlacementShape::kCpuAlone] > 0) keep(least.cpu_ms, (arm.*ms)->value);
    if (basis[PlacementShape::kAllOnDevice] > 0) keep(least.all_ms, (arm.*ms)->value);
  }
  return least;
}

// What a config takes here: the least of those that a device takes part in.
double typical_of(const std::vector<Arm>& arms, Measured ms) {
  double all = 0;
  double typical = 0;
  for (const Arm& arm : arms) {
    if (!(arm.*ms)) continue;
    const double now = (arm.*ms)->value;
    all = all > 0 ? std::min(all, now) : now;
    if (uses_no_device(arm.config.placement)) continue;
    typical = typical > 0 ? std::min(typical, now) : now;
  }
  return typical > 0 ? typical : all;
}

}  // namespace

double tokens_of(Pass pass, const Rules& rules) {
  if (pass == Pass::prompt) return rules.n_prompt();
  return rules.objective == Objective::prompt ? 0 : rules.workload.n_gen;
}

double weigh(const PassTimes& times, const Rules& rules) {
  return tokens_of(Pass::generation, rules) * times.generation_ms +
         tokens_of(Pass::prompt, rules) * times.prompt_ms;
}

CostModel::CostModel(const PlacementShape& shape, const Rules& rules, const ContextSettings& base,
                     const std::vector<Arm>& arms, const std::vector<Config>& points) {
  std::vector<ContextSettings> settings;
  settings.reserve(arms.size() + points.size());
  for (const Arm& arm : arms) settings.push_back(arm.config.context);
  for (const Config& point : points) settings.push_back(point.context);
  const ConfigShape configs(shape, base, settings, rules.n_prompt());
  const auto fit = [&](Pass pass, Measured ms) -> std::optional<Part> {
    const double tokens = tokens_of(pass, rules);
    if (tokens <= 0) return std::nullopt;
    std::vector<search::Features> asked;
    asked.reserve(points.size());
    for (const Config& point : points) asked.push_back(configs.features(point, pass));
    std::vector<search::Observation> seen;
    double scale = 0;
    for (const Arm& arm : arms) {
      if (!(arm.*ms)) continue;
      const Estimate& one = *(arm.*ms);
      seen.push_back({configs.features(arm.config, pass), one.value, search::sd_of(one),
                      load_of(arms, arm.config.placement)});
      scale = std::max(scale, one.value);
    }
    if (seen.empty()) return std::nullopt;
    search::LeastTime least = least_time_of(arms, ms, shape);
    // A device may compute a prompt with weights that lie on the host: then the CPU's share is no
    // work of the CPU.
    if (pass == Pass::prompt) least.cpu_ms = 0;
    const bool holds = std::none_of(arms.begin(), arms.end(), [&](const Arm& arm) {
      return arm.*ms && (arm.*ms)->high < least.at(shape.cpu_share(arm.config.placement));
    });
    std::vector<double> floors;
    floors.reserve(points.size());
    for (const Config& point : points) {
      floors.push_back(holds ? least.at(shape.cpu_share(point.placement)) : 0);
    }
    const search::TimePrior prior = configs.prior(pass, scale, typical_of(arms, ms));
    return Part{search::TimeModel::fit(prior, seen, asked), std::move(floors), tokens};
  };
  generation_ = fit(Pass::generation, &Arm::generation_ms);
  prompt_ = fit(Pass::prompt, &Arm::prompt_ms);
}

Estimate CostModel::expected(std::size_t point) const {
  Estimate sum{0, 0, 0};
  double square = 0;
  for (const auto* part : {&generation_, &prompt_}) {
    if (!*part) continue;
    const Estimate one = (*part)->model.predict(point);
    sum.value += (*part)->tokens * std::max(one.value, (*part)->floors_ms[point]);
    square += std::pow((*part)->tokens * search::sd_of(one), 2);
  }
  sum.low = std::max(0.0, sum.value - 1.96 * std::sqrt(square));
  sum.high = sum.value + 1.96 * std::sqrt(square);
  return sum;
}

search::Worlds CostModel::worlds(const std::vector<std::size_t>& indexes) const {
  search::Worlds sum;
  std::uint64_t seed = kConfigSeed;
  for (const auto* part : {&generation_, &prompt_}) {
    ++seed;
    if (!*part) continue;
    const search::Worlds drawn = (*part)->model.draw(kConfigWorlds, seed, indexes);
    if (sum.empty()) sum.assign(drawn.size(), std::vector<double>(indexes.size(), 0));
    sum.resize(std::min(sum.size(), drawn.size()));
    for (std::size_t w = 0; w < sum.size(); ++w) {
      for (std::size_t k = 0; k < indexes.size(); ++k) {
        sum[w][k] += (*part)->tokens * std::max(drawn[w][k], (*part)->floors_ms[indexes[k]]);
      }
    }
  }
  return sum;
}

}  // namespace sweetspot::tune
