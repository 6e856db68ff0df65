#include "tuner_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "core/tune_record.hpp"
#include "pretended_site.hpp"
#include "profiler/profiler.hpp"
#include "truth.hpp"
#include "tune/request_cost.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {
namespace {

// The search ends where it has decided; more virtual time than any takes.
constexpr double kUnlimitedSeconds = 1e6;

Run run_tune(const fake::Machine& machine, fake::Session& session, const Rules& rules,
             const Config& base, double percent, double max_seconds) {
  auto site = std::make_unique<PretendedSite>(machine, session, rules.driver);
  profiler::Prepared prepared = prepare(machine, *site, rules, {}, base);
  prepared.request.as_request = true;
  profiler::Profiler profiler(std::move(prepared), std::move(site));
  profiler::TuneJob job;
  job.constraints.max_vram_percent = percent;
  job.max_seconds = max_seconds;
  return profiler.tune(job, {}).run;
}

std::string in_words(const Trial& trial, const fake::Machine& machine) {
  const auto cost = tune::cost_of(trial, Objective::request);
  const Placement& placement = trial.config.placement;
  return fmt::format("{}{} ({} layers, {} kept): {}: {} truly {:.1f} ms, {:.1f} %",
                     trial.load_seconds ? "loads " : "", trial.title, placement.n_gpu_layers,
                     placement.n_cpu_moe + placement.n_cpu_ffn, trial.reason,
                     cost ? fmt::format("{:.1f} ms", cost->value) : cost.reason(),
                     true_request_ms(machine, trial.config, trial.workload),
                     trial.vram_percent.value_or(0));
}

bool is_sound(const fake::Machine& machine, const Rules& rules, const Config& config,
              double percent) {
  return machine.is_safe(config) &&
         VramView(machine, rules.driver).visible_percent(config) <= percent;
}

/// Of the best of all that were measured and keep to the limit; nothing where none does.
std::optional<double> tried_regret(const fake::Machine& machine, const Rules& rules, const Run& run,
                                   double percent, double best_ms) {
  std::optional<double> least;
  for (const Trial& trial : run.results) {
    if (!trial.measured() || !is_sound(machine, rules, trial.config, percent)) continue;
    const double now = regret(best_ms, true_request_ms(machine, trial.config, rules.workload));
    least = std::min(now, least.value_or(now));
  }
  return least;
}

}  // namespace

double defaults_ms(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                   const Config& base, double percent) {
  // Without time a tune measures its baseline and no more.
  fake::Session session(machine, seed);
  const Run run = run_tune(machine, session, rules, base, percent, 0);
  const Config& config = run.results.front().config;
  return is_sound(machine, rules, config, percent)
             ? true_request_ms(machine, config, rules.workload)
             : 0;
}

TunerResult tuner_search(const fake::Machine& machine, std::uint64_t seed, const Rules& rules,
                         const Config& base, double percent, double best_ms) {
  fake::Session session(machine, seed);
  const Run run = run_tune(machine, session, rules, base, percent, kUnlimitedSeconds);
  TunerResult result;
  for (const Trial& trial : run.results) result.steps.push_back(in_words(trial, machine));
  result.outcome.effort = effort_of(run.results.size(), session);
  result.outcome.tried_regret = tried_regret(machine, rules, run, percent, best_ms);
  if (!run.tune->baseline || !run.tune->winner) {
    result.outcome.missed = 1;
    result.outcome.regrets["request"] = 1;
    return result;
  }
  result.chosen = run.results[*run.tune->winner].config;
  const double chosen_ms = true_request_ms(machine, result.chosen, rules.workload);
  result.outcome.unsafe = static_cast<int>(!is_sound(machine, rules, result.chosen, percent));
  result.outcome.regrets["request"] = regret(best_ms, chosen_ms);
  const Config& defaults = run.results[*run.tune->baseline].config;
  if (is_sound(machine, rules, defaults, percent)) {
    result.outcome.speed_up = true_request_ms(machine, defaults, rules.workload) / chosen_ms;
  }
  return result;
}

}  // namespace sweetspot::simulation
