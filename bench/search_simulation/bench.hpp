// Trials on a pretended machine, as profiler/trial_runner.cpp runs them on a real one: the same
// stopping rule, the same order, no processes, virtual seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/trial.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"
#include "measure/stopping_rule.hpp"

namespace sweetspot::simulation {

struct BenchRules {
  Workload workload = {};
  double precision = 0.01;
  double max_seconds = 20;                ///< per trial, as RunSettings
  double full_depth_budget_seconds = 30;  ///< as profiler::Request
  /// A driver tells what is in use on the device, so its hidden share shows in vram_percent.
  bool driver = true;
};

/// What a search has cost so far.
struct Effort {
  int trials = 0;      ///< configs tried, failures included
  int loads = 0;       ///< of weights
  double seconds = 0;  ///< virtual
};

/// Not thread safe. The machine must outlive it.
class Bench {
 public:
  Bench(const fake::Machine& machine, std::uint64_t seed, BenchRules rules);

  /// One trial. What is loaded stays loaded, and is used again where the placement is the same.
  /// `rival_ms` as in profiler::TrialAsk.
  Trial measure(const Config& config, Extent extent, double rival_ms = 0);

  /// Measures what a trial that was not full left out, where its context still stands: false where
  /// it does not.
  bool complete(Trial& trial);

  [[nodiscard]] const Effort& effort() const { return effort_; }
  [[nodiscard]] const BenchRules& rules() const { return rules_; }
  [[nodiscard]] fake::Session& session() { return session_; }

  /// The whole device's memory in use with that config, as the trial shows it.
  [[nodiscard]] double visible_percent(const Config& config) const;

  /// What llama.cpp's breakdown makes expect, before anything was loaded.
  [[nodiscard]] double predicted_percent(const Config& config) const;

  /// What is missing by llama.cpp's breakdown alone: 0 = may fit.
  [[nodiscard]] std::uint64_t missing_bytes(const Config& config) const;

 private:
  Outcome<void> set_up(Trial& trial);
  Outcome<void> load(Trial& trial);
  void measure_generation(Trial& trial, double rival_ms);
  void measure_prompt(Trial& trial);
  void verify_full_depth(Trial& trial);
  std::optional<Speed> measure_speed(bool prompt, const measure::StoppingOptions& options);
  void measure_undisturbed(Trial& trial, bool generation, bool prompt, double rival_ms = 0);
  [[nodiscard]] bool is_throttled(const Trial& trial) const;
  void finish(Trial& trial) const;

  const fake::Machine& machine_;
  BenchRules rules_;
  fake::Session session_;
  Effort effort_;
  std::optional<Placement> loaded_;
  std::optional<Config> standing_;  ///< with a context
};

/// Marks spilled trials as the profiler does after each trial.
void mark_spills(std::vector<Trial>& trials);

}  // namespace sweetspot::simulation
