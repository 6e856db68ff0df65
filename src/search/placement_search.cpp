#include "search/placement_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "search/tune_words.hpp"

namespace sweetspot::search {
namespace {

// Whole layers; all layers with parts of blocks on the CPU; fewer layers with all of these parts
// there; fewer layers with some of them there.
constexpr std::size_t kFamilies = 4;

// Placements the time model looks at, per family; those between are as good as their neighbours.
constexpr int kPerFamily = 32;

// A device that slows down as it fills hides between two measured ends. Moving layers back can pay
// only where the CPU is not slower than the device by more than this factor: a device that lost
// half of its speed gives it back, and a fifth of the layers then takes the CPU less than that.
constexpr double kNearlyAsFast = 3;

// The share of the layers of the best placement where that is looked for: steps further down cost
// more on the CPU than they give back, and one further up would be in sight of the best.
constexpr double kBetween = 0.65;

// So many loads in a row that brought nothing are enough: the model has been wrong each time.
constexpr int kMostInVain = 4;

// What knowing every placement must gain on average for another one to be loaded: the trades after
// it look at all placements again.
constexpr double kWorthAPlacement = 1.5 * kWorthALoad;

std::size_t family_of(const Placement& placement, int offloadable) {
  if (kept_on_cpu(placement) == 0) return 0;
  if (placement.n_gpu_layers >= offloadable) return 1;
  return kept_on_cpu(placement) >= offloadable - 1 ? 2 : 3;
}

// What the model looks at: every k-th of each family, its first and last that fit, what was
// measured, and of fewer layers with some parts on the CPU those that use all the memory they may.
std::vector<Placement> points_of(const PlacementView& view) {
  const ContextSettings& base = view.baseline.context;
  const int offloadable = view.costs.shape().offloadable();
  std::array<std::vector<const TuneOption*>, kFamilies> families;
  for (const TuneOption& option : view.memory.options()) {
    if (option.config.context != base) continue;
    families[family_of(option.config.placement, offloadable)].push_back(&option);
  }
  std::vector<Placement> points;
  for (const auto& members : families) {
    const std::size_t every = (members.size() + kPerFamily - 1) / kPerFamily;
    const auto fits = [&](std::size_t k) {
      return k < members.size() && members[k]->why_not.empty();
    };
    for (std::size_t k = 0; k < members.size(); ++k) {
      const bool edge = fits(k) && (k == 0 || !fits(k - 1) || !fits(k + 1));
      const bool measured = view.arms.find(members[k]->config) != nullptr;
      if (edge || measured || (fits(k) && k % every == 0)) {
        points.push_back(members[k]->config.placement);
      }
    }
  }
  const int step = std::max(1, offloadable / kPerFamily);
  for (int layers = 2; layers < offloadable; layers += step) {
    if (const auto mixed = view.memory.mixed(layers, base)) points.push_back(*mixed);
  }
  for (const Arm& arm : view.arms.all()) {
    const Placement& placement = arm.config.placement;
    const bool known = std::find(points.begin(), points.end(), placement) != points.end();
    if (arm.config.context == base && !known) points.push_back(placement);
  }
  return points;
}

// More on the device is more; mixed placements all take about the same memory, so there it is the
// layers.
double amount_of(const PlacementView& view, const Config& config, std::size_t family) {
  if (family == 3) return config.placement.n_gpu_layers;
  const auto option = view.memory.of(config);
  return option ? static_cast<double>(option->vram_bytes.value_or(0)) : 0;
}

// Of each family the amount on the device below which it is only slower: two placements with more
// were measured, and of them the one with less was slower by the tolerance. A noisy machine would
// otherwise be asked about every step of the slope.
std::array<double, kFamilies> downhill_below(const PlacementView& view) {
  struct Measured {
    std::size_t family = 0;
    double amount = 0;
    double cost = 0;
  };
  std::vector<Measured> measured;
  for (const Arm& arm : view.arms.all()) {
    const Placement& placement = arm.config.placement;
    if (!arm.cost || arm.config.context != view.baseline.context || placement.n_gpu_layers == 0) {
      continue;
    }
    const std::size_t family = family_of(placement, view.costs.shape().offloadable());
    measured.push_back({family, amount_of(view, arm.config, family), arm.cost->value});
  }
  std::array<double, kFamilies> below{};
  for (const Measured& more : measured) {
    for (const Measured& less : measured) {
      const bool slope = more.family == less.family && more.amount > less.amount &&
                         less.cost > more.cost * (1 + view.rules.tolerance);
      double& amount = below[less.family];
      if (slope) amount = std::max(amount, less.amount);
    }
  }
  return below;
}

// The CPU alone tells what every block costs there, and whether the device is worth it at all.
std::optional<TuneStep> cpu_alone(const PlacementView& view) {
  for (const TuneOption& option : view.memory.options()) {
    const bool fits = option.config.placement.n_gpu_layers == 0 && option.why_not.empty();
    if (!fits || option.config.context != view.baseline.context) continue;
    if (view.arms.find(option.config) != nullptr) return std::nullopt;
    return TuneStep{option.config, "the CPU alone",
                    "is the device worth it, and what does a block cost"};
  }
  return std::nullopt;
}

// Placements in a row, the last ones measured, that were no better than what was best before.
int loads_in_vain(const PlacementView& view) {
  int count = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const Arm& arm : view.arms.all()) {
    if (arm.config.context != view.baseline.context || !arm.may_win()) continue;
    ++count;
    if (arm.cost->value < least * (1 - view.rules.tolerance / 4)) count = 0;
    least = std::min(least, arm.cost->value);
  }
  return count;
}

struct Field {
  std::vector<Placement> points;
  Contest contest{"placement", {}, {}};
};

Field field_of(const PlacementView& view) {
  Field field;
  field.points = points_of(view);
  const auto below = downhill_below(view);
  const auto is_downhill = [&](const Config& config) {
    const std::size_t family = family_of(config.placement, view.costs.shape().offloadable());
    const double amount = amount_of(view, config, family);
    return config.placement.n_gpu_layers > 0 && amount > 0 && amount < below[family];
  };
  for (std::size_t k = 0; k < field.points.size(); ++k) {
    const Config config{field.points[k], view.baseline.context};
    const Arm* arm = view.arms.find(config);
    if (arm != nullptr && arm->may_win()) {
      field.contest.measured.push_back(k);
    } else if (arm == nullptr && view.memory.may_be_tried(config) && !is_downhill(config)) {
      field.contest.open.push_back(k);
    }
  }
  return field;
}

// Of whole layers alone, by their count.
std::vector<const Arm*> whole_layers(const PlacementView& view) {
  std::vector<const Arm*> arms;
  for (const Arm& arm : view.arms.all()) {
    if (arm.config.context != view.baseline.context || !arm.cost) continue;
    if (kept_on_cpu(arm.config.placement) == 0) arms.push_back(&arm);
  }
  std::sort(arms.begin(), arms.end(), [](const Arm* a, const Arm* b) {
    return a->config.placement.n_gpu_layers < b->config.placement.n_gpu_layers;
  });
  return arms;
}

// Where the time falls from the CPU alone to one count of layers and falls less, or rises, from
// there to the next one measured, the device begins to slow down between them, and every layer up
// to there takes off what one takes: halfway is tried, as long as that may win.
std::optional<TuneStep> towards_the_edge(const PlacementView& view) {
  const std::vector<const Arm*> arms = whole_layers(view);
  const Arm* now = view.arms.best(view.baseline, view.rules.tolerance);
  if (now == nullptr || arms.size() < 3 || arms.front()->config.placement.n_gpu_layers > 0) {
    return std::nullopt;
  }
  // A device that only ever slows down is no device that fills: then the CPU alone, measured once
  // and slower than all of them, may have had a neighbour.
  const Arm& alone = *arms.front();
  const bool only_rises =
      std::is_sorted(arms.begin() + 1, arms.end(),
                     [](const Arm* a, const Arm* b) { return a->cost->value < b->cost->value; });
  if (only_rises && arms[1]->cost->value < alone.cost->value && alone.times == 1) {
    return TuneStep{alone.config, "the CPU alone, again",
                    "the device is slower with each layer: was it a neighbour"};
  }
  const double cpu = alone.cost->value;
  const double enough = now->cost->value * (1 - view.rules.tolerance);
  for (std::size_t i = 1; i + 1 < arms.size(); ++i) {
    const int from = arms[i]->config.placement.n_gpu_layers;
    const int to = arms[i + 1]->config.placement.n_gpu_layers;
    const double cost = arms[i]->cost->value;
    const double per_layer = (cpu - cost) / from;
    const double on_the_line = cost - per_layer * (to - from);
    const bool bends = arms[i + 1]->cost->value > on_the_line * (1 + kSurprise);
    if (!bends || cost - per_layer * (to - from - 1) > enough) continue;
    Config config = arms[i]->config;
    config.placement.n_gpu_layers = (from + to) / 2;
    if (view.arms.find(config) != nullptr || !view.memory.may_be_tried(config)) continue;
    return TuneStep{config, placement_title(config.placement),
                    "where does the device begin to slow down"};
  }
  return std::nullopt;
}

// What the line between the ends cannot show (kNearlyAsFast): one placement well between them.
std::optional<TuneStep> between_the_ends(const PlacementView& view) {
  const ContextSettings& base = view.baseline.context;
  const Arm* cpu = nullptr;
  const Arm* best = nullptr;
  for (const Arm& arm : view.arms.all()) {
    if (arm.config.context != base || !arm.cost) continue;
    if (arm.config.placement.n_gpu_layers == 0) {
      cpu = &arm;
    } else if (best == nullptr || arm.cost->value < best->cost->value) {
      best = &arm;
    }
  }
  if (cpu == nullptr || best == nullptr) return std::nullopt;
  if (cpu->cost->value > kNearlyAsFast * best->cost->value) return std::nullopt;
  const int most = best->config.placement.n_gpu_layers;
  const int layers = static_cast<int>(std::lround(kBetween * most));
  if (layers < 2) return std::nullopt;
  for (const Arm& arm : view.arms.all()) {
    const int n = arm.config.placement.n_gpu_layers;
    if (n >= layers / 2 && n < layers + (most - layers) * 2 / 3) return std::nullopt;
  }
  Config config{view.memory.options().front().config.placement, base};
  config.placement.n_gpu_layers = layers;
  if (const auto mixed = view.memory.mixed(layers, base)) config.placement = *mixed;
  if (view.arms.find(config) != nullptr || !view.memory.may_be_tried(config)) return std::nullopt;
  return TuneStep{config, placement_title(config.placement),
                  "does the device slow down as it fills"};
}

}  // namespace

std::optional<TuneStep> next_placement(const PlacementView& view) {
  if (auto step = cpu_alone(view)) return step;
  const Field field = field_of(view);
  const Contest& contest = field.contest;
  if (contest.measured.empty()) return std::nullopt;
  if (auto step = towards_the_edge(view)) return step;
  if (loads_in_vain(view) >= kMostInVain) return between_the_ends(view);
  if (contest.open.empty()) return between_the_ends(view);
  const Worlds worlds = view.costs.worlds(view.arms.all(), field.points);
  if (worlds.empty()) return std::nullopt;
  const Verdict verdict = judge(contest, worlds, field.points.size(), view.rules.tolerance);
  // Of each world only the winner counts, so the sum is what knowing everything would gain.
  const double gain = std::accumulate(verdict.gain.begin(), verdict.gain.end(), 0.0);
  if (verdict.doubt <= 1 - view.rules.confidence || gain < kWorthAPlacement) {
    return between_the_ends(view);
  }
  const auto most = std::max_element(
      contest.open.begin(), contest.open.end(),
      [&](std::size_t a, std::size_t b) { return verdict.gain[a] < verdict.gain[b]; });
  const Placement& placement = field.points[*most];
  return TuneStep{
      {placement, view.baseline.context},
      placement_title(placement),
      fmt::format("may be the best placement ({:.0f} % in doubt)", verdict.doubt * 100)};
}

bool is_off_the_curve(const PlacementView& view, const Trial& trial) {
  const std::vector<Arm>& arms = view.arms.all();
  const auto known = std::count_if(arms.begin(), arms.end(), [&](const Arm& arm) {
    return arm.generation_ms && arm.config.context == view.baseline.context;
  });
  if (known < 2 || trial.config.context != view.baseline.context || !trial.measured()) return false;
  const Worlds worlds = view.costs.worlds(arms, {trial.config.placement});
  if (worlds.empty()) return false;
  std::vector<double> costs;
  costs.reserve(worlds.size());
  for (const auto& world : worlds) costs.push_back(world.front());
  std::sort(costs.begin(), costs.end());
  const double upper = costs[costs.size() - 1 - costs.size() / 40];
  PassTimes times{trial.generation->ms_per_token.value, 0};
  if (trial.prompt) times.prompt_ms = trial.prompt->ms_per_token.value;
  return view.costs.weigh(times) > upper * (1 + kSurprise);
}

}  // namespace sweetspot::search
