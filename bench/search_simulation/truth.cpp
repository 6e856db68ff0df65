#include "truth.hpp"

#include <algorithm>
#include <string_view>

#include "core/no_device.hpp"

namespace sweetspot::simulation {

Config with_layers(int layers) {
  Config config;
  config.placement.n_gpu_layers = layers;
  // As the sweep has it.
  if (layers == 0) config.placement = cpu_alone(config.placement);
  return config;
}

double true_generation_ms(const fake::Machine& machine, const Config& config,
                          const Workload& work) {
  return machine.generation_ms(config, work.n_depth + work.n_gen / 2.0);
}

double true_ms_behind_prompt(const fake::Machine& machine, const Config& config,
                             const Workload& work) {
  return machine.generation_ms(config, work.n_depth + work.n_prompt + work.n_gen / 2.0);
}

double true_request_ms(const fake::Machine& machine, const Config& config, const Workload& work) {
  return work.n_gen * true_ms_behind_prompt(machine, config, work) +
         machine.prompt_cost(config, work.n_prompt, work.n_depth).total_ms();
}

bool belongs_to(const char* decision, double percent, const Bands& bands) {
  const std::string_view name = decision;
  if (name == "fast") return percent < bands.fast_percent;
  if (name == "balanced") return percent >= bands.fast_percent && percent < bands.balanced_percent;
  if (name == "performance") {
    return percent >= bands.balanced_percent && percent <= bands.performance_percent;
  }
  return percent <= bands.performance_percent;
}

std::array<std::optional<int>, kDecisions.size()> true_winners(const fake::Machine& machine,
                                                               const VramView& vram,
                                                               const Workload& work,
                                                               const Bands& bands) {
  std::array<std::optional<int>, kDecisions.size()> winners;
  std::array<double, kDecisions.size()> least_ms = {};
  for (int layers = 0; layers <= machine.offloadable(); ++layers) {
    const Config config = with_layers(layers);
    if (!machine.is_safe(config)) continue;
    const double percent = vram.visible_percent(config);
    const double ms = true_generation_ms(machine, config, work);
    for (std::size_t k = 0; k < kDecisions.size(); ++k) {
      if (!belongs_to(kDecisions[k], percent, bands)) continue;
      if (winners[k] && least_ms[k] <= ms) continue;
      winners[k] = layers;
      least_ms[k] = ms;
    }
  }
  return winners;
}

double regret(double best_ms, double chosen_ms) { return std::max(0.0, 1 - best_ms / chosen_ms); }

}  // namespace sweetspot::simulation
