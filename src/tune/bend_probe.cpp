#include "tune/bend_probe.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/no_device.hpp"
#include "tune/config_shape.hpp"
#include "tune/titles.hpp"

namespace sweetspot::tune {
namespace {

// A device that slows down as it fills hides between two measured ends. Moving layers back can pay
// only where the CPU is not slower than the device by more than this factor: a device that lost
// half of its speed gives it back, and a fifth of the layers then takes the CPU less than that.
constexpr double kNearlyAsFast = 3;

// The share of all layers where that is looked for: steps further down cost more on the CPU than
// they give back, and one further up would be in sight of the end.
constexpr double kBetween = 0.65;

// The CPU alone, then whole layers by their count; of several contexts the cheapest. 0 layers
// beside the device are no step on the way: llama.cpp loads and reads prompts otherwise.
std::vector<const Arm*> whole_layers(const View& view) {
  std::vector<const Arm*> arms;
  for (const Arm& arm : view.arms.all()) {
    const Placement& placement = arm.config.placement;
    if (!arm.cost || kept_on_cpu(placement) > 0) continue;
    if (placement.n_gpu_layers == 0 && !uses_no_device(placement)) continue;
    const auto same = std::find_if(arms.begin(), arms.end(), [&](const Arm* other) {
      return other->config.placement == arm.config.placement;
    });
    if (same == arms.end()) {
      arms.push_back(&arm);
    } else if (arm.cost->value < (*same)->cost->value) {
      *same = &arm;
    }
  }
  std::sort(arms.begin(), arms.end(), [](const Arm* a, const Arm* b) {
    return a->config.placement.n_gpu_layers < b->config.placement.n_gpu_layers;
  });
  return arms;
}

// So many whole layers, if nobody looked there and they may be tried.
std::optional<Step> look_at(const View& view, Placement placement, int layers, std::string reason) {
  placement.n_gpu_layers = layers;
  const auto& arms = view.arms.all();
  const bool was_loaded = std::any_of(
      arms.begin(), arms.end(), [&](const Arm& arm) { return arm.config.placement == placement; });
  Config config{std::move(placement), with_memory_of(view.knobs, view.baseline.context)};
  if (was_loaded || !view.memory.may_be_tried(config)) return std::nullopt;
  std::string title = placement_title(config.placement);
  return Step{std::move(config), std::move(title), std::move(reason)};
}

}  // namespace

// Where the time falls from the CPU alone to one count of layers and falls less, or rises, from
// there to the next one measured, the device begins to slow down between them, and every layer up
// to there takes off what one takes: halfway is tried, as long as that may win.
std::optional<Step> probe_bend(const View& view) {
  const std::vector<const Arm*> arms = whole_layers(view);
  const Arm* now = view.arms.best(view.baseline, view.rules.tolerance);
  if (now == nullptr || arms.size() < 3 || !uses_no_device(arms.front()->config.placement)) {
    return std::nullopt;
  }
  // A device that only ever slows down is no device that fills: then the CPU alone, measured once
  // and slower than all of them, may have had a neighbour.
  const Arm& alone = *arms.front();
  const bool only_rises =
      std::is_sorted(arms.begin() + 1, arms.end(),
                     [](const Arm* a, const Arm* b) { return a->cost->value < b->cost->value; });
  if (only_rises && arms[1]->cost->value < alone.cost->value && alone.times == 1) {
    return Step{alone.config, std::string(kCpuAloneTitle) + ", again",
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
    auto step = look_at(view, arms[i]->config.placement, (from + to) / 2,
                        "where does the device begin to slow down");
    if (step) return step;
  }
  return std::nullopt;
}

std::optional<Step> probe_between(const View& view) {
  const std::vector<const Arm*> arms = whole_layers(view);
  const Arm* best = view.arms.cheapest();
  const int all = view.shape.offloadable();
  if (best == nullptr || arms.size() < 2) return std::nullopt;
  const Placement& placement = best->config.placement;
  const bool ends = placement.n_gpu_layers >= all && kept_on_cpu(placement) == 0 &&
                    uses_no_device(arms.front()->config.placement);
  if (!ends || arms.front()->cost->value > kNearlyAsFast * best->cost->value) return std::nullopt;
  const int layers = static_cast<int>(std::lround(kBetween * all));
  for (const Arm* arm : arms) {
    const int n = arm->config.placement.n_gpu_layers;
    if (n >= layers / 2 && n < layers + (all - layers) * 2 / 3) return std::nullopt;
  }
  return look_at(view, placement, layers, "does the device slow down as it fills");
}

}  // namespace sweetspot::tune
