#include "tuner_search.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "core/tune_record.hpp"
#include "truth.hpp"
#include "tune/request_cost.hpp"
#include "tune/space.hpp"
#include "tune/tuner.hpp"

namespace sweetspot::simulation {
namespace {

// One that does not end is a fault to be seen, not waited for.
constexpr std::size_t kMostTuneSteps = 400;

tune::Option option_of(const fake::Machine& machine, const Bench& bench, Config config) {
  tune::Option option;
  const std::uint64_t ours = offloaded_bytes(machine.memory(config));
  const std::uint64_t free = machine.device_free_bytes();
  option.vram_bytes = ours;
  option.vram_percent = bench.predicted_percent(config);
  option.left_bytes = free > ours ? free - ours : 0;
  if (ours > free) option.why_not = "does not fit";
  option.config = std::move(config);
  return option;
}

std::vector<tune::Option> options_of(const fake::Machine& machine, const Bench& bench,
                                     const Config& base) {
  const auto placements = tune::placements_of(base.placement, info_of(machine.model()), true);
  std::vector<tune::Option> options;
  for (const ContextSettings& context :
       tune::memory_variants(base.context, true, bench.rules().workload.n_prompt)) {
    for (const Placement& placement : placements) {
      options.push_back(option_of(machine, bench, {placement, context}));
    }
  }
  return options;
}

tune::Rules rules_of(const fake::Machine& machine, const BenchRules& bench, double percent) {
  tune::Rules rules;
  rules.workload = bench.workload;
  rules.constraints.max_vram_percent = percent;
  rules.knobs.physical_cores = machine.parts().processor.physical_cores;
  rules.knobs.logical_cores = machine.parts().processor.logical_cores;
  rules.knobs.n_prompt = bench.workload.n_prompt;
  return rules;
}

std::string in_words(const tune::Step& step, const Trial& trial, const fake::Machine& machine) {
  const auto cost = tune::cost_of(trial, Objective::request);
  const Placement& placement = trial.config.placement;
  return fmt::format("{} ({} layers, {} kept): {}: {} truly {:.1f} ms, {:.1f} %", step.title,
                     placement.n_gpu_layers, placement.n_cpu_moe + placement.n_cpu_ffn, step.reason,
                     cost ? fmt::format("{:.1f} ms", cost->value) : cost.reason(),
                     true_request_ms(machine, trial.config, trial.workload),
                     trial.vram_percent.value_or(0));
}

}  // namespace

double defaults_ms(const fake::Machine& machine, const Bench& bench, const Config& base,
                   double percent) {
  const auto options = options_of(machine, bench, base);
  const Config config = options[tune::fitted_option(options, base.context)].config;
  if (!machine.is_safe(config) || bench.visible_percent(config) > percent) return 0;
  return true_request_ms(machine, config, bench.rules().workload);
}

TunerResult tuner_search(const fake::Machine& machine, std::uint64_t seed, const BenchRules& rules,
                         const Config& base, double percent, double best_ms) {
  Bench bench(machine, seed, rules);
  tune::Tuner tuner(options_of(machine, bench, base), info_of(machine.model()),
                    rules_of(machine, rules, percent));
  std::vector<Trial> trials;
  TunerResult result;
  while (trials.size() < kMostTuneSteps) {
    const std::optional<tune::Step> step = tuner.ask(false);
    if (!step) break;
    trials.push_back(bench.measure(step->config, step->extent));
    mark_spills(trials);
    tuner.tell(trials.back(), trials.size() - 1);
    result.steps.push_back(in_words(*step, trials.back(), machine));
  }
  result.outcome.effort = bench.effort();
  const TuneRecord record = tuner.record();
  if (!record.baseline || !record.winner) {
    result.outcome.missed = 1;
    result.outcome.regrets["request"] = 1;
    return result;
  }
  result.chosen = trials[*record.winner].config;
  const double chosen_ms = true_request_ms(machine, result.chosen, rules.workload);
  const bool sound =
      machine.is_safe(result.chosen) && bench.visible_percent(result.chosen) <= percent;
  result.outcome.unsafe = static_cast<int>(!sound);
  result.outcome.regrets["request"] = regret(best_ms, chosen_ms);
  result.outcome.speed_up = defaults_ms(machine, bench, base, percent) / chosen_ms;
  return result;
}

}  // namespace sweetspot::simulation
