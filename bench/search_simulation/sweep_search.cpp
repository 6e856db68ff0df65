#include "sweep_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "answers.hpp"
#include "core/sweep_record.hpp"
#include "profiles/derive.hpp"
#include "search/adaptive_sweep.hpp"
#include "truth.hpp"

namespace sweetspot::simulation {
namespace {

// Further than any sweep should go; one that does not end is a fault to be seen, not waited for.
constexpr int kMostSteps = 400;

std::vector<search::LayerCandidate> candidates_of(const fake::Machine& machine,
                                                  const Bench& bench) {
  std::vector<search::LayerCandidate> all;
  for (int layers = 0; layers <= machine.offloadable(); ++layers) {
    const Config config = with_layers(layers);
    search::LayerCandidate& one = all.emplace_back();
    one.layers = layers;
    one.vram_bytes = offloaded_bytes(machine.memory(config));
    one.vram_percent = bench.predicted_percent(config);
    if (bench.missing_bytes(config) > 0) one.why_not = "does not fit";
  }
  return all;
}

/// Runs the sweep to its end; gives its trials.
class Drive {
 public:
  Drive(const fake::Machine& machine, Bench& bench, const Bands& bands)
      : bench_(bench), sweep_(candidates_of(machine, bench), info_of(machine.model()), {bands}) {}

  void run() {
    for (auto step = sweep_.ask(); step && steps_.size() < kMostSteps; step = sweep_.ask()) {
      const bool same = !trials_.empty() && trials_.back().layers == step->layers;
      if (!same || !bench_.complete(trials_.back())) {
        trials_.push_back(bench_.measure(with_layers(step->layers), step->extent, step->rival_ms));
      }
      mark_spills(trials_);
      sweep_.tell(*step, trials_.back());
      steps_.push_back(
          fmt::format("{} layers, {}: {}", step->layers, to_string(step->extent), step->reason));
    }
  }

  [[nodiscard]] const std::vector<Trial>& trials() const { return trials_; }
  [[nodiscard]] const std::vector<std::string>& steps() const { return steps_; }
  [[nodiscard]] SweepRecord record() const { return sweep_.record(); }

 private:
  Bench& bench_;
  search::AdaptiveSweep sweep_;
  std::vector<Trial> trials_;
  std::vector<std::string> steps_;
};

std::string in_words(const Trial& trial, const fake::Machine& machine, const Workload& work) {
  std::string text = fmt::format("{} layers, {}", trial.layers, to_string(trial.extent));
  if (trial.vram_percent) text += fmt::format(", {:.1f} %", *trial.vram_percent);
  if (trial.failure) return text + ": " + std::string(to_string(trial.failure->failure_class));
  text += fmt::format(": {:.2f} ms, truly {:.2f} ms", trial.generation->ms_per_token.value,
                      true_generation_ms(machine, trial.config, work));
  for (const Disturbance disturbance : trial.disturbances) {
    text += fmt::format(", {}", to_string(disturbance));
  }
  return text;
}

const Decision* find_decision(const SweepRecord& record, const char* name) {
  const auto found = std::find_if(record.decisions.begin(), record.decisions.end(),
                                  [&](const Decision& decision) { return decision.name == name; });
  return found == record.decisions.end() ? nullptr : &*found;
}

Answers answers_of(const SweepRecord& record) {
  Answers answers;
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    if (const Decision* decision = find_decision(record, kDecisions[k])) {
      answers[k] = decision->layers;
    }
  }
  return answers;
}

// The optimum is no profile of its own: it counts where a band's profile is asked for.
Answers answers_of(const std::vector<Profile>& profiles) {
  Answers answers;
  for (std::size_t k = 0; k < kDecisions.size(); ++k) {
    for (const Profile& profile : profiles) {
      if (profile.name == kDecisions[k] && profile.result_index) {
        answers[k] = profile.n_gpu_layers;
      }
    }
  }
  return answers;
}

}  // namespace

SweepResult sweep_search(const fake::Machine& machine, std::uint64_t seed, const BenchRules& rules,
                         const Bands& bands) {
  Bench bench(machine, seed, rules);
  Drive drive(machine, bench, bands);
  drive.run();
  const SweepRecord record = drive.record();
  SweepResult result;
  result.steps = drive.steps();
  result.decisions.effort = result.profiles.effort = bench.effort();
  judge_answers(machine, bench, rules.workload, bands, answers_of(record), result.decisions);
  const auto profiles = profiles::derive(drive.trials(), bands, machine.offloadable());
  judge_answers(machine, bench, rules.workload, bands, answers_of(profiles), result.profiles);
  for (const Trial& trial : drive.trials()) {
    result.results.push_back(in_words(trial, machine, rules.workload));
  }
  for (const Profile& profile : profiles) {
    result.results.push_back(
        fmt::format("{}: {}", profile.name,
                    profile.result_index ? std::to_string(profile.n_gpu_layers) : profile.reason));
  }
  if (result.profiles.regrets.erase("optimum") > 0) --result.profiles.missed;
  for (const auto& [name, regret] : result.decisions.regrets) {
    const Decision* decision = find_decision(record, name.c_str());
    if (decision == nullptr || !decision->settled) continue;
    ++result.settled;
    result.settled_wrong += static_cast<int>(regret > record.tolerance);
  }
  return result;
}

}  // namespace sweetspot::simulation
