#include "finals_search.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "core/no_device.hpp"
#include "machine/dice.hpp"
#include "machine/machine.hpp"
#include "machine/random_pair.hpp"
#include "pretended_site.hpp"
#include "profiler/asker.hpp"
#include "profiler/loop.hpp"
#include "profiler/tune_asker.hpp"
#include "shaking.hpp"
#include "truth.hpp"
#include "tune/arms.hpp"
#include "tune/finals.hpp"

namespace sweetspot::simulation {
namespace {

constexpr double kSlowestTokenMs = 300;
constexpr double kTurnsSeconds = 80;  // as a tune allows with 20 s per trial

Config on_device() { return {}; }
Config on_cpu() { return {cpu_alone({}), {}}; }

double true_ratio(const fake::Parts& parts, double factor) {
  fake::Parts scaled = parts;
  scaled.processor.bandwidth_gb_s *= factor;
  scaled.processor.gflops_per_core *= factor;
  const fake::Machine machine(scaled);
  return true_request_ms(machine, on_device(), {}) / true_request_ms(machine, on_cpu(), {});
}

/// A machine that has room for all of the model on its device, with a processor that is `ratio`
/// times as fast; nothing where its tokens take too long for a comparison to be worth anything.
std::optional<fake::Parts> drawn(std::uint64_t seed, double ratio) {
  fake::Dice dice(seed);
  fake::Parts parts = fake::random_pair(seed, {true});
  parts.disturbance = shaking(dice);
  parts.device.memory_total_gb = 1000;
  parts.device.integrated = false;
  double low = 0.01;
  double high = 1000;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (true_ratio(parts, middle) < ratio ? low : high) = middle;
  }
  parts.processor.bandwidth_gb_s *= low;
  parts.processor.gflops_per_core *= low;
  const bool slow = true_ms_behind_prompt(fake::Machine(parts), on_device(), {}) > kSlowestTokenMs;
  const bool met = std::abs(true_ratio(parts, 1) / ratio - 1) < 1e-3;
  return slow || !met ? std::nullopt : std::optional(std::move(parts));
}

/// Both once, as a tune has measured them by then, then the finals.
class FinalsAsker final : public profiler::Asker {
 public:
  FinalsAsker(tune::Rules rules, profiler::Site& site)
      : rules_(std::move(rules)), site_(site), finals_(on_device(), rules_) {}

  std::optional<profiler::TrialAsk> ask() override {
    tune::Step step;
    if (arms_.all().size() < 2) {
      step.config = arms_.all().empty() ? on_device() : on_cpu();
    } else {
      if (begin_ms_ < 0) begin_ms_ = site_.now_ms();
      auto next = finals_.ask(arms_, loaded_);
      if (!next) return std::nullopt;
      step = *std::move(next);
    }
    in_turn_with_ = step.in_turn_with;
    return profiler::ask_of(step);
  }

  void tell(const Trial& trial, std::size_t index) override {
    const tune::Arm* before = arms_.find(trial.config);
    const auto usual = before != nullptr ? before->least_cost : std::nullopt;
    const tune::Arm& arm =
        arms_.tell(trial, index, rules_.objective, rules_.constraints, tune::Again::faster);
    loaded_ = trial.config.placement;
    if (begin_ms_ >= 0) finals_.tell(trial, arm, index, usual);
  }

  void while_held(profiler::TrialRunner& runner, const Run& run) override {
    if (begin_ms_ < 0 || !in_turn_with_ || !finals_.awaits_turns()) return;
    tune::InTurn judge(rules_, kTurnsSeconds);
    const bool taken =
        runner.take_turns(run.results.back(), run.results.front(), judge).has_value();
    finals_.tell_turns(taken ? std::optional(judge.turns()) : std::nullopt, 0);
  }

  void record(Run& /*run*/, const std::string& /*ended*/) const override {}
  [[nodiscard]] std::string why_ended() const override { return "decided"; }

  [[nodiscard]] const tune::Finals& finals() const { return finals_; }
  [[nodiscard]] double seconds() const { return (site_.now_ms() - begin_ms_) / 1e3; }

 private:
  tune::Rules rules_;
  profiler::Site& site_;
  tune::Finals finals_;
  tune::Arms arms_;
  std::optional<Placement> loaded_;
  std::optional<Config> in_turn_with_;
  double begin_ms_ = -1;
};

std::string in_words(const tune::Finals& finals) {
  std::string text;
  for (const TuneRound& round : finals.rounds()) {
    text += fmt::format(" {:.4f}", round.speed_up);
    if (!round.turns) continue;
    text += fmt::format(" ({} generations, {} prompts)", round.turns->generation.size(),
                        round.turns->prompt.size());
  }
  const auto speed_up = finals.speed_up();
  if (speed_up) {
    text += fmt::format(", so {:.4f} ({:.4f} to {:.4f})", speed_up->value, speed_up->low,
                        speed_up->high);
  }
  return text;
}

}  // namespace

FinalsOutcome finals_search(std::uint64_t seed, double ratio, bool with_turns) {
  FinalsOutcome outcome;
  const auto parts = drawn(seed, ratio);
  if (!parts) return outcome;
  outcome.is_asked = true;
  const fake::Machine machine(*parts);
  fake::Session session(machine, seed);
  PretendedSite site(machine, session, true);
  profiler::Prepared prepared = prepare(machine, site, {}, {}, {});
  prepared.request.as_request = true;
  tune::Rules rules;
  rules.workload = prepared.request.workload;
  if (with_turns) rules.host_free_bytes = *site.host_available_bytes();
  const profiler::Observer nobody;
  profiler::Loop loop(prepared, site, "tune", nobody);
  FinalsAsker asker(rules, site);
  loop.drive(asker);
  loop.end();
  const auto speed_up = asker.finals().speed_up();
  outcome.took_place = speed_up.has_value();
  if (!speed_up) return outcome;
  outcome.called = speed_up->low > 1;
  outcome.rounds = in_words(asker.finals());
  outcome.speed_up = speed_up->value;
  outcome.seconds = asker.seconds();
  outcome.loads = static_cast<int>(session.state().loads) - 2;
  return outcome;
}

}  // namespace sweetspot::simulation
