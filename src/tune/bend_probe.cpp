#include "tune/bend_probe.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "core/no_device.hpp"
#include "tune/config_shape.hpp"
#include "tune/cost_model.hpp"
#include "tune/titles.hpp"

namespace sweetspot::tune {
namespace {

// The share of the most layers where a device that slows down as it fills is looked for: steps
// further down cost more on the CPU than they give back, and one further up would be in sight of
// the end.
constexpr double kBetween = 0.65;

// There it can pay only where a token takes the CPU not much longer, or shorter, than the filled
// device: let that take D while it is fast and 2 D when it is full. With a share of 0.65 on it a
// token takes 0.65 D and 0.35 of the CPU's time C, which is less than 2 D up to C = 3.9 D, and less
// than C from C = D on: C is then between half and twice of what the full device takes.
constexpr double kNearlyAsFast = 2;

// Milliseconds of a request's generation: what a line in the layers can be drawn through. A prompt
// takes another way as soon as there is a device.
double generation_of(const View& view, const Arm& arm) {
  return weigh({arm.generation_ms->value, 0}, view.rules);
}

// The CPU alone, then whole layers by their count; of several contexts the cheapest. 0 layers
// beside the device are no step on the way: llama.cpp loads and reads prompts otherwise.
std::vector<const Arm*> whole_layers(const View& view) {
  std::vector<const Arm*> arms;
  for (const Arm& arm : view.arms.all()) {
    const Placement& placement = arm.config.placement;
    if (!arm.cost || !arm.generation_ms || kept_on_cpu(placement) > 0) continue;
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

// Of two ends of the same kind: more layers, then what is cheaper.
bool is_further(const Arm& arm, const Arm& end) {
  const int layers = arm.config.placement.n_gpu_layers;
  const int other = end.config.placement.n_gpu_layers;
  return layers != other ? layers > other : arm.cost->value < end.cost->value;
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

// The same, with as few parts on the CPU as it takes where whole layers do not fit.
std::optional<Step> look_between(const View& view, Placement placement, int layers) {
  const std::string reason = "does the device slow down as it fills";
  const ContextSettings context = with_memory_of(view.knobs, view.baseline.context);
  placement.n_cpu_moe = placement.n_cpu_ffn = 0;
  if (auto step = look_at(view, placement, layers, reason)) return step;
  const auto mixed = view.memory.mixed(layers, context);
  return mixed ? look_at(view, *mixed, layers, reason) : std::nullopt;
}

// Of joules and of prompts alone there is no line of time per layer.
bool has_line(const Rules& rules) {
  return rules.objective != Objective::energy && rules.objective != Objective::prompt;
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
  if (!has_line(view.rules)) return std::nullopt;
  // A device that only ever slows down is no device that fills: then the CPU alone, measured once
  // and slower than all of them, may have had a neighbour.
  const Arm& alone = *arms.front();
  const bool only_rises =
      std::is_sorted(arms.begin() + 1, arms.end(), [&](const Arm* a, const Arm* b) {
        return generation_of(view, *a) < generation_of(view, *b);
      });
  const double cpu = generation_of(view, alone);
  if (only_rises && generation_of(view, *arms[1]) < cpu && alone.times == 1) {
    return Step{alone.config, std::string(kCpuAloneTitle) + ", again",
                "the device is slower with each layer: was it a neighbour"};
  }
  const double enough = now->cost->value * (1 - view.rules.tolerance);
  for (std::size_t i = 1; i + 1 < arms.size(); ++i) {
    const int from = arms[i]->config.placement.n_gpu_layers;
    const int to = arms[i + 1]->config.placement.n_gpu_layers;
    const double now_ms = generation_of(view, *arms[i]);
    const double per_layer = (cpu - now_ms) / from;
    const double on_the_line = now_ms - per_layer * (to - from);
    const bool bends = generation_of(view, *arms[i + 1]) > on_the_line * (1 + kSurprise);
    const double at_best = arms[i]->cost->value - per_layer * (to - from - 1);
    if (!bends || at_best > enough) continue;
    auto step = look_at(view, arms[i]->config.placement, (from + to) / 2,
                        "where does the device begin to slow down");
    if (step) return step;
  }
  return std::nullopt;
}

// Both ends are measured and nothing between them: the CPU alone, and the most layers that were
// tried, some of their parts maybe on the CPU.
std::optional<Step> probe_between(const View& view) {
  if (!has_line(view.rules)) return std::nullopt;
  const Arm* cpu = nullptr;
  const Arm* most = nullptr;
  for (const Arm& arm : view.arms.all()) {
    if (!arm.may_win() || !arm.generation_ms) continue;
    const Arm*& end = uses_no_device(arm.config.placement) ? cpu : most;
    if (end == nullptr || is_further(arm, *end)) end = &arm;
  }
  if (cpu == nullptr || most == nullptr) return std::nullopt;
  const double ratio = generation_of(view, *cpu) / generation_of(view, *most);
  if (ratio > kNearlyAsFast || ratio < 1 / kNearlyAsFast) return std::nullopt;
  const int top = effective_layers(most->config.placement.n_gpu_layers, view.shape.offloadable());
  const int layers = static_cast<int>(std::lround(kBetween * top));
  if (layers < 2) return std::nullopt;
  for (const Arm& arm : view.arms.all()) {
    const int n = arm.config.placement.n_gpu_layers;
    if (n >= layers / 2 && n < layers + (top - layers) * 2 / 3) return std::nullopt;
  }
  return look_between(view, most->config.placement, layers);
}

}  // namespace sweetspot::tune
