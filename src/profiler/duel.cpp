#include "profiler/duel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/between_loads.hpp"
#include "profiler/config_asker.hpp"
#include "profiler/loop.hpp"
#include "profiler/tune_asker.hpp"
#include "search/time_model.hpp"
#include "tune/in_turn.hpp"
#include "tune/room_for_both.hpp"
#include "tune/rounds.hpp"

namespace sweetspot::profiler {
namespace {

// Turns of a round take this share at most of the time that a trial may measure: loads differ by
// more than what longer turns would still find, so more rounds tell more.
constexpr double kDuelTurnsShare = 0.75;

// A prompt may take a minute, and generation is what ends a duel: prompts that take longer than so
// much of its time, both together, are compared by the first trials alone, and in no later round.
constexpr double kDuelPromptShare = 0.1;

// Turns of a round that prompts have, at most: as many as tell something of themselves.
constexpr std::size_t kMostDuelPrompts = 4;

tune::Rules rules_for(const DuelSide& side, bool with_prompts) {
  const Workload& workload = side.prepared.request.workload;
  TuneJob job;
  job.objective = !workload.generates() ? Objective::prompt
                  : with_prompts        ? Objective::request
                                        : Objective::generation;
  return rules_of(side.prepared, job, side.site.host_reserve_bytes());
}

tune::Arm arm_of(const Trial& trial) {
  tune::Arm arm;
  arm.config = trial.config;
  arm.vram_percent = trial.vram_percent;
  arm.memory = trial.memory;
  return arm;
}

std::optional<Estimate> ratio_of(const std::optional<Speed>& a, const std::optional<Speed>& b) {
  if (!a || !b) return std::nullopt;
  const Estimate& of_a = a->tokens_per_second;
  const Estimate& of_b = b->tokens_per_second;
  if (is_uncertain(of_a) || is_uncertain(of_b)) return std::nullopt;
  const double half =
      1.96 * std::hypot(search::sd_of(of_a) / of_a.value, search::sd_of(of_b) / of_b.value);
  const double ratio = of_b.value / of_a.value;
  return Estimate{ratio, ratio * std::exp(-half), ratio * std::exp(half)};
}

/// What one prompt takes; 0 where none was measured.
double prompt_seconds(const Trial& trial) {
  return trial.prompt ? trial.prompt->ms_per_token.value * trial.workload.n_prompt / 1e3 : 0;
}

DuelRound round_of(const Turns& turns) {
  return {tune::ratio_of_turns(turns.generation), tune::ratio_of_turns(turns.prompt), true};
}

DuelRound round_of(const Trial& a, const Trial& b) {
  return {ratio_of(a.generation, b.generation), ratio_of(a.prompt, b.prompt), false};
}

class Duel {
 public:
  Duel(const DuelSide& a, const DuelSide& b, const Config& config, const DuelRules& rules,
       const Observer& observer)
      : side_a_(a),
        side_b_(b),
        config_(config),
        rules_(rules),
        observer_(observer),
        a_(a.prepared, a.site, "compare", observer),
        b_(b.prepared, b.site, "compare", observer),
        begin_ms_(b.site.now_ms()) {}

  DuelOutcome run() {
    while (!is_over()) {
      if (!round()) break;
    }
    return {a_.end(), b_.end(), std::move(rounds_)};
  }

 private:
  [[nodiscard]] bool is_over() {
    if (a_.cancelled()) return true;
    const auto most = static_cast<std::size_t>(rules_.most_rounds);
    if (rounds_.size() >= most) return true;
    if (rounds_.empty()) return false;
    if ((side_b_.site.now_ms() - begin_ms_) / 1e3 > rules_.max_seconds) return true;
    if (rounds_.size() < static_cast<std::size_t>(rules_.least_rounds)) return false;
    const bool generates = side_a_.prepared.request.workload.generates();
    const auto ratio = ratio_over(rounds_, generates ? &DuelRound::generation : &DuelRound::prompt);
    if (!ratio) return false;
    const bool apart = ratio->low > 1 || ratio->high < 1;
    return apart || (ratio->low > 1 - rules_.noticeable && ratio->high < 1 + rules_.noticeable);
  }

  // False where one of the two cannot be measured.
  bool round() {
    if (rounds_.empty()) return first_round();
    if (in_turn_) {
      if (const auto turns = measure_b()) {
        rounds_.push_back(round_of(*turns));
        return true;
      }
      return false;
    }
    // What drifts evenly cancels over two rounds.
    const bool a_begins = rounds_.size() % 2 == 0;
    if (a_begins) measure(a_, "A");
    measure(b_, "B");
    if (!a_begins) measure(a_, "A");
    return add_trials();
  }

  bool first_round() {
    measure(a_, "A");
    if (a_.cancelled() || !is_measured(a_)) return false;
    const auto turns = measure_b();
    if (!turns) return add_trials();
    rounds_.push_back(round_of(*turns));
    if (!wants_prompts()) rounds_.back().prompt = round_of(last(a_), last(b_)).prompt;
    return true;
  }

  bool add_trials() {
    if (a_.cancelled() || !is_measured(a_) || !is_measured(b_)) return false;
    rounds_.push_back(round_of(last(a_), last(b_)));
    return true;
  }

  // What both first trials say of them; while there is one of them only, of its own.
  [[nodiscard]] double prompt_pair_seconds() {
    const double of_a = prompt_seconds(first(a_));
    return of_a + (b_.has_results() ? prompt_seconds(first(b_)) : of_a);
  }

  // Whether the round that is due has prompts beside generation.
  bool wants_prompts() {
    if (!side_a_.prepared.request.workload.generates()) return true;
    const double seconds = prompt_pair_seconds();
    if (seconds > kDuelPromptShare * rules_.max_seconds) return false;
    const bool is_cheap = seconds * kMostDuelPrompts <= turns_seconds();
    return is_cheap || rounds_.size() < static_cast<std::size_t>(rules_.least_rounds);
  }

  // Turns of prompts in a round that has any.
  std::size_t fewest_prompts() {
    const double fit = turns_seconds() / std::max(prompt_pair_seconds(), 1e-9);
    return static_cast<std::size_t>(std::clamp(fit, 1.0, static_cast<double>(kMostDuelPrompts)));
  }

  [[nodiscard]] double turns_seconds() const {
    return kDuelTurnsShare * side_b_.prepared.request.max_seconds;
  }

  // No trial has its whole context filled: that says nothing of speed, and takes as long as many
  // prompts.
  ConfigAsk ask(const char* name) {
    ConfigAsk ask;
    // Later the turns tell, and whoever disturbs the trial before them disturbs both in them.
    const bool whole = rounds_.empty() || (!in_turn_ && wants_prompts());
    ask.extent = whole ? Extent::speeds : Extent::generation_only;
    ask.again = !in_turn_;
    ask.title = fmt::format("{}, round {}", name, rounds_.size() + 1);
    return ask;
  }

  void measure(Loop& loop, const char* name) {
    ConfigAsker asker(loop, config_, ask(name));
    loop.drive(asker);
  }

  // And the turns that A, loaded beside it, takes with it; nothing where it cannot.
  std::optional<Turns> measure_b() {
    std::optional<Turns> turns;
    ConfigAsk with_turns = ask("B");
    with_turns.while_held = [&](TrialRunner& runner, const Run& run) {
      turns = take_turns(runner, run.results.back());
    };
    ConfigAsker asker(b_, config_, std::move(with_turns));
    b_.drive(asker);
    in_turn_ = turns.has_value();
    return turns;
  }

  std::optional<Turns> take_turns(TrialRunner& runner, const Trial& of_b) {
    const tune::Rules rules = rules_for(side_b_, wants_prompts());
    if (!of_b.measured() || !tune::has_room_for_both(arm_of(of_b), arm_of(last(a_)), rules)) {
      return std::nullopt;
    }
    tune::InTurn judge(rules, turns_seconds(), fewest_prompts());
    const auto taken = runner.take_turns(of_b, last(a_), judge, &side_a_.site);
    if (taken) return judge.turns();
    if (observer_) {
      observer_(Notice{"both are loaded one after the other: " + taken.error().message});
    }
    return std::nullopt;
  }

  // Ctrl-C may come before the first trial.
  static bool is_measured(Loop& loop) { return loop.has_results() && last(loop).measured(); }

  static const Trial& first(Loop& loop) { return loop.run().results.front(); }
  static const Trial& last(Loop& loop) { return loop.run().results.back(); }

  DuelSide side_a_;
  DuelSide side_b_;
  Config config_;
  DuelRules rules_;
  const Observer& observer_;
  Loop a_;
  Loop b_;
  double begin_ms_;
  bool in_turn_ = false;
  std::vector<DuelRound> rounds_;
};

}  // namespace

std::optional<Estimate> ratio_over(const std::vector<DuelRound>& rounds,
                                   std::optional<Estimate> DuelRound::*measure) {
  std::vector<double> ratios;
  double variance = 0;
  for (const DuelRound& round : rounds) {
    const std::optional<Estimate>& ratio = round.*measure;
    if (!ratio || ratio->value <= 0) continue;
    ratios.push_back(ratio->value);
    variance += std::pow(search::sd_of(*ratio) / ratio->value, 2);
  }
  if (ratios.empty()) return std::nullopt;
  const auto n = static_cast<double>(ratios.size());
  return tune::over_rounds(ratios, variance / n / n, std::sqrt(2) * kBetweenLoads);
}

DuelOutcome duel(const DuelSide& a, const DuelSide& b, const Config& config, const DuelRules& rules,
                 const Observer& observer) {
  return Duel(a, b, config, rules, observer).run();
}

}  // namespace sweetspot::profiler
