#include "tune/next_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/no_device.hpp"
#include "search/decisions.hpp"
#include "tune/bend_probe.hpp"
#include "tune/cost_model.hpp"
#include "tune/titles.hpp"

namespace sweetspot::tune {
namespace {

// Configs that are looked at closely: the most promising, by what they may take at best.
constexpr std::size_t kCloselyLookedAt = 100;

// Two loads of one config differ by about this share.
constexpr double kLoadNoise = 0.007;

// The CPU alone tells what every block costs there, and whether the device is worth it at all.
std::optional<Step> look_at_cpu(const View& view) {
  for (const Option& option : view.memory.options()) {
    const bool fits = uses_no_device(option.config.placement) && option.why_not.empty();
    if (!fits || option.config.context != view.baseline.context) continue;
    if (view.arms.find(option.config) != nullptr) return std::nullopt;
    return Step{option.config, kCpuAloneTitle,
                "is the device worth it, and what does a block cost"};
  }
  return std::nullopt;
}

std::vector<std::size_t> most_promising(const Field& field, const CostModel& model) {
  std::vector<std::pair<double, std::size_t>> at_best;
  at_best.reserve(field.open.size());
  for (const std::size_t k : field.open) {
    const Estimate expected = model.expected(k);
    at_best.emplace_back((expected.value + expected.low) / 2, k);
  }
  std::sort(at_best.begin(), at_best.end());
  if (at_best.size() > kCloselyLookedAt) at_best.resize(kCloselyLookedAt);
  std::vector<std::size_t> chosen;
  chosen.reserve(at_best.size());
  for (const auto& one : at_best) chosen.push_back(one.second);
  return chosen;
}

Step step_of(const View& view, Config config, std::string reason) {
  std::string title =
      placement_title(config.placement) + context_title(config.context, view.baseline.context);
  return {std::move(config), std::move(title), std::move(reason)};
}

// Nothing that was measured may win: the one that is most likely the fastest of those that may.
Step most_likely(const View& view, const Field& field, const CostModel& model) {
  const auto likely =
      std::min_element(field.open.begin(), field.open.end(), [&](std::size_t a, std::size_t b) {
        return model.expected(a).value < model.expected(b).value;
      });
  return step_of(view, field.points[*likely], "nothing so far keeps to the constraints");
}

// The members of the contest are those of `looked_at`, which holds what was measured first.
std::optional<Step> worth_most(const View& view, const Field& field, const CostModel& model) {
  std::vector<std::size_t> looked_at = field.measured;
  const std::vector<std::size_t> open = most_promising(field, model);
  looked_at.insert(looked_at.end(), open.begin(), open.end());
  search::Contest contest{"config", {}, {}};
  for (std::size_t member = 0; member < looked_at.size(); ++member) {
    (member < field.measured.size() ? contest.measured : contest.open).push_back(member);
  }
  const search::Worlds worlds = model.worlds(looked_at);
  const std::vector<double> worth =
      search::worth_of_measuring(contest, worlds, looked_at.size(), kLoadNoise);
  const auto most = std::max_element(worth.begin(), worth.end());
  if (*most < kWorthALoad) return std::nullopt;
  const search::Odds odds =
      search::odds_of(contest, worlds, looked_at.size(), view.rules.tolerance);
  const std::size_t promising = looked_at[static_cast<std::size_t>(most - worth.begin())];
  const std::size_t chosen = view.cliffs.halved(promising, field.points, field.open);
  if (chosen != promising) {
    return step_of(view, field.points[chosen],
                   "halfway to what is slower with more on the device: where does that begin");
  }
  return step_of(
      view, field.points[chosen],
      fmt::format("may be the best, or tell which is ({:.0f} % in doubt)", odds.doubt * 100));
}

}  // namespace

std::optional<Step> next_config(const View& view, int in_vain) {
  if (auto step = look_at_cpu(view)) return step;
  if (auto step = probe_bend(view)) return step;
  if (in_vain >= kMostInVain) return probe_between(view);
  const Field field = field_of(view);
  if (field.open.empty()) return probe_between(view);
  const std::vector<Arm> arms = view.cliffs.learnt_from(view.arms.all());
  const CostModel model(view.shape, view.rules, view.baseline.context, arms, field.points);
  const bool knows_costs =
      std::any_of(arms.begin(), arms.end(), [](const Arm& arm) { return arm.cost.has_value(); });
  if (!knows_costs || !model.knows_anything()) return std::nullopt;
  if (field.measured.empty()) return most_likely(view, field, model);
  if (auto step = worth_most(view, field, model)) return step;
  return probe_between(view);
}

bool is_off_the_curve(const View& view, const Trial& trial) {
  const std::vector<Arm> arms = view.cliffs.learnt_from(view.arms.all());
  if (arms.empty()) return false;
  const auto is_elsewhere = [&](const Arm& arm) {
    return arm.cost && arm.config.placement != arms.front().config.placement;
  };
  if (std::none_of(arms.begin(), arms.end(), is_elsewhere) || !trial.measured()) return false;
  const CostModel model(view.shape, view.rules, view.baseline.context, arms, {trial.config});
  const search::Worlds worlds = model.worlds({0});
  if (worlds.empty()) return false;
  std::vector<double> costs;
  costs.reserve(worlds.size());
  for (const auto& world : worlds) costs.push_back(world.front());
  std::sort(costs.begin(), costs.end());
  const double upper = costs[costs.size() - 1 - costs.size() / 40];
  PassTimes times{trial.generation->ms_per_token.value, 0};
  if (trial.prompt) times.prompt_ms = trial.prompt->ms_per_token.value;
  return weigh(times, view.rules) > upper * (1 + kSurprise);
}

}  // namespace sweetspot::tune
