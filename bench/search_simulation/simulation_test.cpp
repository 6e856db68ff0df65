#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "answers.hpp"
#include "best_config.hpp"
#include "brute_force.hpp"
#include "config_space.hpp"
#include "duel_search.hpp"
#include "finals_search.hpp"
#include "llama_bench.hpp"
#include "machine/published_curve.hpp"
#include "machine/random_pair.hpp"
#include "machine/recorded_curve.hpp"
#include "pretended_site.hpp"
#include "profiler/trial_runner.hpp"
#include "sweep_search.hpp"
#include "tallies.hpp"
#include "tpe.hpp"
#include "tpe_search.hpp"
#include "truth.hpp"
#include "tuner_search.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {
namespace {

using ::testing::DoubleNear;
using ::testing::Gt;
using ::testing::Le;
using ::testing::Lt;

fake::Parts quiet(fake::Parts parts) {
  parts.disturbance = {};
  parts.disturbance.sample = 1e-4;
  parts.disturbance.load_offset = parts.disturbance.ramp = 0;
  return parts;
}

/// The product's trials, one after the other.
class PretendedTrials {
 public:
  explicit PretendedTrials(const fake::Machine& machine)
      : session_(machine, 1),
        site_(machine, session_, true),
        prepared_(prepare(machine, site_, {}, {}, {})),
        runner_(prepared_.request, prepared_.run.model, prepared_.targets, site_,
                prepared_.baseline, observer_) {}

  Trial measure(const Config& config, Extent extent) {
    ++trials_;
    profiler::TrialAsk ask;
    ask.config = config;
    ask.layers = config.placement.n_gpu_layers;
    ask.extent = extent;
    return runner_.run(ask);
  }
  bool complete(Trial& trial) { return runner_.complete(trial); }
  [[nodiscard]] Effort effort() const { return effort_of(trials_, session_); }

 private:
  fake::Session session_;
  PretendedSite site_;
  profiler::Prepared prepared_;
  profiler::Observer observer_;
  profiler::TrialRunner runner_;
  std::size_t trials_ = 0;
};

TEST(PretendedTrials, AQuietTrialIsTheTruthAndKnowsItsMemory) {
  const fake::Machine machine(quiet(fake::recorded_curve()));
  PretendedTrials trials(machine);
  const Trial trial = trials.measure(with_layers(20), Extent::full);
  ASSERT_TRUE(trial.measured());
  EXPECT_THAT(trial.generation->ms_per_token.value,
              DoubleNear(true_generation_ms(machine, trial.config, {}), 0.05));
  EXPECT_THAT(trial.prompt->ms_per_token.value,
              DoubleNear(machine.prompt_ms_per_token(trial.config, 512, 0), 0.05));
  EXPECT_THAT(*trial.vram_percent, DoubleNear(100 * 2.85 / 6, 0.1));
  EXPECT_EQ(trials.effort().loads, 1);
  EXPECT_THAT(trials.effort().seconds, Gt(0));
}

TEST(PretendedTrials, CompletesATrialWhoseContextStillStandsWithoutALoad) {
  const fake::Machine machine(quiet(fake::recorded_curve()));
  PretendedTrials trials(machine);
  Trial first = trials.measure(with_layers(20), Extent::generation_only);
  EXPECT_FALSE(first.prompt);
  ASSERT_TRUE(trials.complete(first));
  EXPECT_TRUE(first.prompt);
  EXPECT_EQ(first.full_depth, FullDepth::verified);
  EXPECT_EQ(trials.effort().loads, 1);
  trials.measure(with_layers(10), Extent::generation_only);
  EXPECT_FALSE(trials.complete(first)) << "another one is loaded";
}

TEST(PretendedTrials, AContextSettingCostsNoLoad) {
  const fake::Machine machine(quiet(fake::recorded_curve()));
  PretendedTrials trials(machine);
  Config config = with_layers(20);
  trials.measure(config, Extent::generation_only);
  config.context.n_ubatch = 256;
  trials.measure(config, Extent::generation_only);
  EXPECT_EQ(trials.effort().loads, 1);
  EXPECT_EQ(trials.effort().trials, 2);
}

TEST(PretendedTrials, AFailureIsATrial) {
  fake::Parts parts = quiet(fake::recorded_curve());
  parts.recorded = {};
  parts.device.memory_total_gb = 2;
  const fake::Machine machine(parts);
  PretendedTrials trials(machine);
  const Trial trial = trials.measure(with_layers(43), Extent::full);
  ASSERT_TRUE(trial.failure);
  EXPECT_EQ(trial.failure->failure_class, FailureClass::out_of_device_memory);
  EXPECT_THAT(VramView(machine, true).missing_bytes(with_layers(43)), Gt(0U));
}

TEST(Truth, TheWinnersOfTheRecordedCurve) {
  const fake::Machine machine(fake::recorded_curve());
  const VramView vram(machine, true);
  const auto winners = true_winners(machine, vram, {}, {});
  EXPECT_EQ(winners[0], 21);  // 49.3 %
  EXPECT_EQ(winners[1], 31);  // 68 %
  EXPECT_EQ(winners[2], 39);  // 84 %
  EXPECT_EQ(winners[3], 39);
}

TEST(Truth, AnswersThatAreNotSafeOrNotGivenAreCounted) {
  const fake::Machine machine(fake::recorded_curve());
  const VramView vram(machine, true);
  SearchOutcome outcome;
  judge_answers(machine, vram, {}, {}, {21, 40, std::nullopt, 0}, outcome);
  EXPECT_EQ(outcome.unsafe, 1) << "40 layers are not balanced";
  EXPECT_EQ(outcome.missed, 1);
  EXPECT_EQ(outcome.regrets.at("fast"), 0);
  EXPECT_EQ(outcome.regrets.at("performance"), 1);
  EXPECT_THAT(outcome.regrets.at("optimum"), Gt(0.5));
}

TEST(BruteForce, FindsTheTruthOnAQuietMachine) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const fake::Machine machine(quiet(fake::random_pair(seed)));
    const SearchOutcome outcome = brute_force(machine, seed, {}, {});
    for (const auto& [question, regret] : outcome.regrets)
      EXPECT_THAT(regret, Lt(1e-3)) << question;
    EXPECT_EQ(outcome.effort.trials, machine.offloadable() + 1);
  }
}

TEST(MostLayers, FollowsThePredictionAndLoadsNothing) {
  const fake::Machine machine(fake::recorded_curve());
  const SearchOutcome outcome = most_layers(machine, {}, {});
  EXPECT_EQ(outcome.effort.loads, 0);
  EXPECT_EQ(outcome.unsafe, 0);
  for (const auto& [question, regret] : outcome.regrets) EXPECT_EQ(regret, 0) << question;
}

TEST(SweepSearch, FindsTheTruthOnAQuietMachineAndIsTheSameAgain) {
  const fake::Machine machine(quiet(fake::recorded_curve()));
  const SweepResult result = sweep_search(machine, 1, {}, {});
  for (const auto& [question, regret] : result.decisions.regrets) {
    EXPECT_THAT(regret, Lt(0.02)) << question;
  }
  EXPECT_THAT(result.decisions.effort.loads, Le(8));
  EXPECT_EQ(sweep_search(machine, 1, {}, {}).steps, result.steps);
}

fake::Machine published(const std::string& id, const char* card) {
  const auto curves = fake::read_curves(fake::published_curves_path()).value();
  const auto curve = std::find_if(curves.begin(), curves.end(),
                                  [&](const fake::PublishedCurve& one) { return one.id == id; });
  const auto found = std::find_if(fake::cards().begin(), fake::cards().end(),
                                  [&](const fake::Card& one) { return one.name == card; });
  return fake::Machine(fake::machine_of(*curve, *found));
}

// What was told before it was known to have spilled stayed in the model: 9.8 tok/s were predicted
// where the truth is 15.8, and called settled.
TEST(SweepSearch, ACliffIsFoundAndWhatLiesBehindItIsNotLearntFrom) {
  int all = 0;
  int held = 0;
  for (const char* id : {"rtx4080-qwen35-27b", "4070tis-gemma26b-ncmoe", "4070tis-qwen35b-ncmoe"}) {
    for (const char* card : {"roomy", "just right", "too small"}) {
      SCOPED_TRACE(testing::Message() << id << ", " << card);
      const fake::Machine machine = published(id, card);
      for (std::uint64_t seed = 1; seed <= 2; ++seed) {
        const SweepResult result = sweep_search(machine, seed, {}, {});
        EXPECT_EQ(result.beyond_cliff, 0);
        EXPECT_EQ(result.disagree, 0);
        for (const auto& [question, regret] : result.profiles.regrets) {
          EXPECT_THAT(regret, Lt(0.05)) << question;
        }
        all += result.intervals.all;
        held += result.intervals.held;
      }
    }
  }
  // Those of one run hang together: over all of them.
  EXPECT_THAT(held, testing::Ge(0.92 * all));
}

// Generation hardly moves where prompts fall to half.
TEST(SweepSearch, APromptThatFallsIsACliffToo) {
  const SweepResult result = sweep_search(published("gtx1070-gemma4-12b", "just right"), 1, {}, {});
  EXPECT_EQ(result.beyond_cliff, 0);
}

TEST(Fit, LeavesAGibibyteAndAnswersOneQuestion) {
  const fake::Machine machine = published("rtx5060ti-qwen14b", "just right");
  const SearchOutcome outcome = fit(machine, {}, {});
  EXPECT_EQ(outcome.regrets.size(), 1U);
  EXPECT_EQ(outcome.regrets.at("optimum"), 0) << "all of it leaves more than that";
}

TEST(Tpe, BeatsChanceOnASlope) {
  double tpe_sum = 0;
  double random_sum = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto loss = [](const Point& p) {
      const double x = static_cast<double>(p[0]) - 37;
      return x * x + (p[1] == 2 ? 0 : 50);
    };
    Tpe tpe({{60, true}, {4, false}}, seed);
    fake::Dice dice(seed);
    double best = std::numeric_limits<double>::infinity();
    double best_by_chance = best;
    for (int i = 0; i < kTpeTrials; ++i) {
      const Point point = tpe.ask();
      best = std::min(best, loss(point));
      tpe.tell(point, loss(point));
      const Point thrown = {static_cast<std::size_t>(dice.whole(0, 59)),
                            static_cast<std::size_t>(dice.whole(0, 3))};
      best_by_chance = std::min(best_by_chance, loss(thrown));
    }
    tpe_sum += best;
    random_sum += best_by_chance;
  }
  EXPECT_THAT(tpe_sum, Lt(random_sum / 2));
}

TEST(Tpe, LivesWithFailuresOnly) {
  Tpe tpe({{5, true}}, 1);
  for (int i = 0; i < 30; ++i) tpe.tell(tpe.ask(), std::numeric_limits<double>::infinity());
  EXPECT_THAT(tpe.ask()[0], Lt(5U));
}

TEST(TpeSearch, FindsNothingBetterThanTheTrueBest) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const fake::Machine machine(fake::random_pair(seed));
    const VramView vram(machine, true);
    const ConfigSpace space(machine);
    const double best = space.best_request_ms(vram, {}, 85);
    const SearchOutcome outcome = tpe_search(machine, space, seed, {}, 85, best, best);
    EXPECT_EQ(outcome.effort.trials, kTpeTrials);
    EXPECT_GE(outcome.regrets.at("request"), 0);
    Point corner;
    for (const Dimension& dimension : space.dimensions()) corner.push_back(dimension.values - 1);
    EXPECT_EQ(space.config_of(corner).placement.n_gpu_layers, machine.offloadable());
  }
}

TEST(BestConfig, IsNoWorseThanAnythingTried) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const fake::Machine machine(fake::random_pair(seed));
    const VramView vram(machine, true);
    const BestConfig best = best_config(machine, vram, {}, {}, 85);
    EXPECT_DOUBLE_EQ(true_request_ms(machine, best.config, {}), best.request_ms);
    EXPECT_THAT(vram.visible_percent(best.config), Le(85));
    for (int layers = 0; layers <= machine.offloadable(); layers += 3) {
      const Config config = with_layers(layers);
      if (!machine.is_safe(config) || vram.visible_percent(config) > 85) continue;
      EXPECT_THAT(true_request_ms(machine, config, {}), Gt(best.request_ms * 0.999999));
    }
  }
}

TEST(TunerSearch, RecommendsNothingUnsafeNorSlowerThanTheDefaults) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    const fake::Machine machine(quiet(fake::random_pair(seed)));
    const VramView vram(machine, true);
    const double best_ms = best_config(machine, vram, {}, {}, 85).request_ms;
    const TunerResult result = tuner_search(machine, seed, {}, {}, 85, best_ms);
    EXPECT_EQ(result.outcome.unsafe, 0) << seed;
    EXPECT_EQ(result.outcome.missed, 0) << seed;
    // 0: the defaults themselves do not keep to the limit.
    const double speed_up = result.outcome.speed_up;
    EXPECT_TRUE(speed_up == 0 || speed_up > 0.99) << seed << ": " << speed_up;
  }
}

TEST(PretendedSite, TwoHoldersShareTheClockAndTheDevicesMemory) {
  fake::Parts parts = quiet(fake::recorded_curve());
  parts.recorded = {};
  parts.device.memory_total_gb = 6;
  const fake::Machine machine(parts);
  fake::Session session(machine, 1);
  PretendedSite site(machine, session, true);
  const auto host_before = *site.host_available_bytes();
  const Config half = with_layers(20);
  auto one = *site.start(half.placement);
  ASSERT_TRUE(one->load({"", half.placement}, 0, {}));
  ASSERT_TRUE(one->context(half.context));
  const double now_ms = site.now_ms();
  EXPECT_THAT(now_ms, Gt(0));
  EXPECT_THAT(*site.host_available_bytes(), Lt(host_before));
  const Config all = with_layers(43);
  auto other = *site.start(all.placement);
  const auto loaded = other->load({"", all.placement}, 0, {});
  const bool fits = loaded && other->context(all.context);
  EXPECT_FALSE(fits) << "there is room for one of them";
  EXPECT_THAT(site.now_ms(), Gt(now_ms));
  other->end();
  one->end();
  EXPECT_EQ(*site.host_available_bytes(), host_before);
}

double middle(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

TEST(FinalsSearch, TurnsFindOneInTwentyOnMachinesThatShake) {
  int took_place = 0;
  int found = 0;
  int wrong = 0;
  std::vector<double> turns_seconds;
  std::vector<double> rounds_seconds;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const FinalsOutcome apart = finals_search(seed, 1.05, true);
    wrong += finals_search(seed, 1, true).called ? 1 : 0;
    if (!apart.took_place) continue;
    ++took_place;
    found += apart.called ? 1 : 0;
    turns_seconds.push_back(apart.seconds);
    rounds_seconds.push_back(finals_search(seed, 1.05, false).seconds);
  }
  EXPECT_THAT(took_place, Gt(10));
  EXPECT_GE(found, 0.9 * took_place);
  EXPECT_LE(wrong, 4);
  // The usual time; the longest finals take as long either way.
  EXPECT_THAT(middle(turns_seconds), Lt(middle(rounds_seconds) / 2));
}

TEST(Tallies, QuantilesAndWorst) {
  EXPECT_EQ(quantile({}, 0.5), 0);
  EXPECT_DOUBLE_EQ(quantile({3, 1, 2}, 0.5), 2);
  EXPECT_DOUBLE_EQ(quantile({0, 10}, 0.95), 9.5);
  Tally tally{"x", {}};
  SearchOutcome outcome;
  outcome.seed = 4;
  outcome.regrets = {{"fast", 0.5}, {"optimum", 0}};
  tally.outcomes = {outcome};
  EXPECT_EQ(worst_json(tally, 5).size(), 1U);
  EXPECT_EQ(to_json(tally)["regret_percent"]["all"]["count"], 2);
}

// On machines that drift and have neighbours, two engines in turn: an engine against itself, and
// one that is 3 % slower, within the time that the command allows by default.
TEST(Duel, TellsThreePercentFromNothing) {
  int pairs = 0;
  int wrong = 0;
  int found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const DuelSearch same = duel_search(seed, 1, {});
    if (!same.took_place) continue;
    ++pairs;
    wrong += same.slower || same.faster ? 1 : 0;
    found += duel_search(seed, 0.97, {}).slower ? 1 : 0;
  }
  ASSERT_GT(pairs, 15);
  EXPECT_LE(wrong, 1 + pairs / 20);
  EXPECT_GE(found, pairs * 9 / 10);
}

}  // namespace
}  // namespace sweetspot::simulation
