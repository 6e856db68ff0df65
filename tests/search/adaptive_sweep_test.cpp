#include "search/adaptive_sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "search/curve.hpp"

namespace sweetspot::search {
namespace {

using test::candidates_for;
using test::Curve;
using test::Line;
using test::measured;
using test::play;
using test::Played;
using test::uniform_model;
using testing::HasSubstr;
using testing::Optional;

Played play_line(const Line& line, double sd = 0.005, std::uint64_t seed = 1) {
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  return play(
      sweep, [&](int layers) { return line.ms(layers); }, line.percent_per_layer, sd, seed);
}

Played play_curve(int blocks, double percent_per_layer, const Curve& curve,
                  std::uint64_t seed = 1) {
  AdaptiveSweep sweep(candidates_for(blocks, percent_per_layer), uniform_model(blocks), {});
  return play(sweep, curve, percent_per_layer, 0.005, seed);
}

// A line on which something happens: `spoil` changes the trial that was measured.
using Spoil = std::function<void(Trial&)>;

Played play_spoiled(const Line& line, const Spoil& spoil) {
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  std::mt19937_64 random(1);
  Played played;
  while (const auto step = sweep.ask()) {
    played.steps.push_back(*step);
    Trial trial = measured(step->layers, line.ms(step->layers), 0.005, random,
                           line.percent_per_layer * step->layers, step->extent);
    spoil(trial);
    sweep.tell(*step, trial);
    if (played.steps.size() > 300) break;
  }
  played.record = sweep.record();
  return played;
}

void fail(Trial& trial, FailureClass failure, const std::string& message) {
  trial.failure = Failure{failure, Phase::load, message, {}, {}};
  trial.generation.reset();
}

int most_asked(const Played& played) {
  int most = 0;
  for (const SweepStep& step : played.steps) most = std::max(most, step.layers);
  return most;
}

int times_asked(const Played& played, int layers) {
  return static_cast<int>(std::count_if(played.steps.begin(), played.steps.end(),
                                        [&](const auto& step) { return step.layers == layers; }));
}

const CurvePoint& point(const Played& played, int layers) {
  return played.record.curve.at(static_cast<std::size_t>(layers));
}

const Decision& decision(const Played& played, const std::string& name) {
  for (const Decision& one : played.record.decisions) {
    if (one.name == name) return one;
  }
  throw std::out_of_range(name);
}

// Of all that fits and is safe.
double best_ms(const Curve& curve, int blocks, double percent_per_layer) {
  double best = curve(0);
  for (int layers = 1; layers <= blocks + 1; ++layers) {
    if (layers * percent_per_layer <= 85) best = std::min(best, curve(layers));
  }
  return best;
}

void expect_every_winner_is_measured_in_full(const Played& played) {
  for (const Decision& one : played.record.decisions) {
    if (one.name == "diminishing" || !one.layers) continue;
    const auto full = std::find_if(played.steps.begin(), played.steps.end(), [&](const auto& step) {
      return step.layers == *one.layers && step.extent == Extent::full;
    });
    EXPECT_NE(full, played.steps.end()) << one.name << ": " << *one.layers;
  }
}

TEST(AdaptiveSweep, BeginsWithTheCpuAloneInFull) {
  AdaptiveSweep sweep(candidates_for(32, 2.5), uniform_model(32), {});
  const auto step = sweep.ask();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->layers, 0);
  EXPECT_EQ(step->extent, Extent::full);
  EXPECT_THAT(step->reason, HasSubstr("reference"));
}

TEST(AdaptiveSweep, SaysTheSameUntilTold) {
  AdaptiveSweep sweep(candidates_for(32, 2.5), uniform_model(32), {});
  std::mt19937_64 random(1);
  for (int i = 0; i < 3; ++i) {
    const auto step = sweep.ask();
    ASSERT_TRUE(step);
    const auto again = sweep.ask();
    ASSERT_TRUE(again);
    EXPECT_EQ(step->layers, again->layers);
    EXPECT_EQ(step->reason, again->reason);
    sweep.tell(*step, measured(step->layers, Line{}.ms(step->layers), 0.005, random,
                               2.5 * step->layers, step->extent));
  }
}

TEST(AdaptiveSweep, SettlesALineInAHandfulOfLoads) {
  const Line line;
  const Played played = play_line(line);
  EXPECT_LE(played.loads(), 7);
  EXPECT_EQ(played.winner("fast"), 19);         // 47.5 %
  EXPECT_EQ(played.winner("balanced"), 27);     // 67.5 %
  EXPECT_EQ(played.winner("performance"), 33);  // 82.5 %
  EXPECT_EQ(played.winner("optimum"), 33);
  expect_every_winner_is_measured_in_full(played);
  EXPECT_TRUE(played.record.generation->linear);
}

TEST(AdaptiveSweep, SettlesManyLinesAndIsSeldomWrong) {
  int loads = 0;
  int wrong = 0;
  constexpr int kLines = 30;
  for (std::uint64_t seed = 1; seed <= kLines; ++seed) {
    std::mt19937_64 random(seed);
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    Line line;
    line.blocks = static_cast<int>(uniform(20, 60));
    line.device_ms = line.cpu_ms * uniform(0.05, 0.5);
    line.percent_per_layer = uniform(60, 180) / line.blocks;
    const Played played = play_line(line, 0.005, seed);
    loads += played.loads();
    expect_every_winner_is_measured_in_full(played);
    const Curve curve = [&](int layers) { return line.ms(layers); };
    const double truth = best_ms(curve, line.blocks, line.percent_per_layer);
    wrong += line.ms(played.winner("optimum").value_or(0)) > 1.02 * truth ? 1 : 0;
  }
  EXPECT_LE(loads, 7 * kLines);
  EXPECT_LE(wrong, 1);
}

TEST(AdaptiveSweep, GoesFromSafeToRisky) {
  const Played played = play_line({});
  ASSERT_GE(played.steps.size(), 2U);
  EXPECT_GT(played.steps[1].layers, 0);
  EXPECT_LT(played.steps[1].layers * 2.5, 50) << "the first offloaded trial lies in fast";
  std::vector<int> first_in_band(3, 999);
  for (std::size_t i = 1; i < played.steps.size(); ++i) {
    const double percent = played.steps[i].layers * 2.5;
    const std::size_t band = percent < 50 ? 0 : (percent < 70 ? 1 : 2);
    first_in_band[band] = std::min(first_in_band[band], static_cast<int>(i));
  }
  EXPECT_LT(first_in_band[0], first_in_band[1]);
  EXPECT_LT(first_in_band[1], first_in_band[2]);
}

TEST(AdaptiveSweep, ALayerThatGainsNothingIsATieAndCostsNoTrials) {
  Line flat;
  flat.cpu_ms = 100;
  flat.device_ms = 96;  // 4 % between nothing and everything: neighbours cannot be told apart
  const Played played = play_line(flat);
  EXPECT_LE(played.loads(), 9);
  EXPECT_TRUE(decision(played, "optimum").settled);
  ASSERT_TRUE(played.winner("optimum"));
  EXPECT_LE(flat.ms(*played.winner("optimum")), 96 * 1.025);
}

// Everything lies in one band, so the CPU alone is what each other count has to beat.
TEST(AdaptiveSweep, ATrialThatExploresIsHeldAgainstTheSlowestWinnerItMayBeat) {
  const Line line{32, 20, 30, 15, 1};
  const Played played = play_line(line);
  ASSERT_GT(played.steps.size(), 2U);
  for (const SweepStep& step : played.steps) {
    if (step.extent == Extent::full) continue;
    EXPECT_NEAR(step.rival_ms, 20, 1) << step.layers << ": " << step.reason;
  }
}

TEST(AdaptiveSweep, TheFirstOfABandHasNoRival) {
  const Line line{32, 100, 12, 1, 2.5};
  const Played played = play_line(line);
  int first_of_band = 0;
  for (const SweepStep& step : played.steps) {
    // Under 50 % the CPU alone is in the band; above it nobody is yet.
    if (step.reason.find("first GPU measurement in balanced") == std::string::npos) continue;
    ++first_of_band;
    EXPECT_EQ(step.rival_ms, 0);
  }
  EXPECT_EQ(first_of_band, 1);
}

TEST(AdaptiveSweep, WhereOffloadingDoesNotPayReturnsAreNotAskedFor) {
  const Line line{32, 20, 30, 15, 1};
  const Played played = play_line(line, 0.03);
  EXPECT_EQ(played.winner("optimum"), 0);
  for (const SweepStep& step : played.steps) EXPECT_FALSE(step.for_diminishing) << step.reason;
}

TEST(AdaptiveSweep, EverythingMayFitInTheFirstBand) {
  Line small;
  small.percent_per_layer = 1;  // all of it: 33 %
  const Played played = play_line(small);
  EXPECT_EQ(played.winner("fast"), 33);
  EXPECT_EQ(played.winner("optimum"), 33);
  EXPECT_FALSE(played.winner("balanced"));
  EXPECT_FALSE(played.winner("performance"));
  EXPECT_THAT(decision(played, "performance").sentence, HasSubstr("no layer count lies in it"));
  EXPECT_LE(played.loads(), 5);
}

TEST(AdaptiveSweep, WhereOnlyTheCpuFitsItIsTheWinner) {
  Line huge;
  huge.percent_per_layer = 101;
  const Played played = play_line(huge);
  ASSERT_EQ(played.steps.size(), 1U);
  EXPECT_EQ(played.winner("optimum"), 0);
  EXPECT_EQ(point(played, 1).standing, Standing::does_not_fit);
  EXPECT_EQ(point(played, 1).note, "needs more than there is");
}

TEST(AdaptiveSweep, WithoutADeviceOneTrialIsAll) {
  LayerCandidate cpu;
  cpu.vram_percent = Absence{"there is no device"};
  AdaptiveSweep sweep({cpu}, uniform_model(32), {});
  const Played played = play(
      sweep, [](int) { return 50.0; }, 0, 0.005, 1);
  ASSERT_EQ(played.steps.size(), 1U);
  EXPECT_EQ(played.winner("optimum"), 0);
}

TEST(AdaptiveSweep, WithNothingToldTheRecordClaimsNothing) {
  const AdaptiveSweep sweep(candidates_for(8, 2.5), uniform_model(8), {});
  const SweepRecord record = sweep.record();
  EXPECT_FALSE(record.generation);
  ASSERT_EQ(record.curve.size(), 10U);
  for (const CurvePoint& one : record.curve) {
    EXPECT_EQ(one.standing, Standing::not_tried);
    EXPECT_FALSE(one.generation_ms);
    EXPECT_FALSE(one.note.empty());
  }
}

TEST(AdaptiveSweep, OutOfMemoryEndsTheDirectionAndIsNamed) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers >= 24) fail(trial, FailureClass::out_of_device_memory, "no room");
  });
  int least_failed = 999;
  bool failed = false;
  for (const SweepStep& step : played.steps) {
    EXPECT_LT(step.layers, least_failed) << "more than what ran out of memory";
    if (step.layers < 24) continue;
    least_failed = std::min(least_failed, step.layers);
    failed = true;
  }
  ASSERT_TRUE(failed);
  EXPECT_EQ(point(played, least_failed).standing, Standing::does_not_fit);
  EXPECT_EQ(point(played, least_failed).note, "no room");
  EXPECT_EQ(point(played, 33).standing, Standing::not_tried);
  EXPECT_THAT(point(played, 33).note, HasSubstr("out-of-device-memory"));
  EXPECT_THAT(point(played, 33).note, HasSubstr(std::to_string(least_failed) + " layers"));
  EXPECT_EQ(played.winner("fast"), 19);
  EXPECT_GE(*played.winner("optimum"), 22) << "what is below is still found";
  EXPECT_LT(*played.winner("optimum"), 24);
}

TEST(AdaptiveSweep, ASpilledTrialEndsTheDirectionAndNeverWins) {
  const Played played = play_spoiled({}, [&](Trial& trial) {
    if (trial.layers < 22) return;
    // Its speed is a trap: were it believed, it would win everything.
    trial.mark(Disturbance::spilled);
    trial.generation->ms_per_token = {1, 0.99, 1.01};
  });
  int least = 999;
  for (const SweepStep& step : played.steps) {
    EXPECT_LE(step.layers, least);
    if (step.layers >= 22) least = std::min(least, step.layers);
  }
  ASSERT_LT(least, 999);
  for (const Decision& one : played.record.decisions) {
    if (one.layers) {
      EXPECT_LT(*one.layers, 22) << one.name;
    }
  }
  EXPECT_EQ(point(played, least).note, "spilled");
  EXPECT_EQ(point(played, 33).standing, Standing::not_tried);
  EXPECT_THAT(point(played, 33).note, HasSubstr("spilled"));
  // Not learnt from: what was not measured below is still predicted from the line.
  for (const CurvePoint& one : played.record.curve) {
    if (one.standing != Standing::predicted) continue;
    EXPECT_NEAR(one.generation_ms->value, Line{}.ms(one.layers), 8) << one.layers;
  }
}

void slow_down(Trial& trial, double factor) {
  Estimate& ms = trial.generation->ms_per_token;
  ms = {ms.value * factor, ms.low * factor, ms.high * factor};
}

TEST(AdaptiveSweep, ALabelledTrialThatLiesOffTheCurveEndsTheDirection) {
  for (const Disturbance disturbance : {Disturbance::throttled, Disturbance::contended}) {
    SCOPED_TRACE(to_string(disturbance));
    const Played played = play_spoiled({}, [&](Trial& trial) {
      if (trial.layers < 28) return;
      trial.mark(disturbance);
      slow_down(trial, 5);
    });
    const int cliff = most_asked(played);
    ASSERT_GE(cliff, 28);
    EXPECT_EQ(point(played, cliff).note, to_string(disturbance));
    EXPECT_EQ(played.winner("optimum"), 27);
    if (cliff < 33) {
      EXPECT_EQ(point(played, 33).standing, Standing::not_tried);
      EXPECT_THAT(point(played, 33).note, HasSubstr(std::string(to_string(disturbance))));
    }
  }
}

TEST(AdaptiveSweep, ALabelAloneChangesNothing) {
  // A device that is always held to its power: all its trials lie on one curve.
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers > 0) trial.mark(Disturbance::throttled);
  });
  EXPECT_EQ(played.winner("fast"), 19);
  EXPECT_EQ(played.winner("optimum"), 33);
}

TEST(AdaptiveSweep, OffTheCurveWithoutACauseIsMeasuredAgain) {
  // A neighbour that nobody noticed, once.
  int visits = 0;
  const Played played = play_spoiled({}, [&](Trial& trial) {
    if (trial.layers == 33 && ++visits == 1) slow_down(trial, 5);
  });
  EXPECT_GE(visits, 2);
  EXPECT_EQ(played.winner("optimum"), 33);
  const auto again = std::find_if(played.steps.begin(), played.steps.end(), [](const auto& step) {
    return step.reason.find("again:") != std::string::npos;
  });
  ASSERT_NE(again, played.steps.end());
  EXPECT_EQ(again->layers, 33);
}

TEST(AdaptiveSweep, WhatFailsWithItsWholeContextDoesNotWin) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.extent == Extent::full && trial.layers >= 30) trial.full_depth = FullDepth::failed;
  });
  ASSERT_TRUE(played.winner("optimum"));
  EXPECT_LT(*played.winner("optimum"), 30);
  const auto named = std::find_if(
      played.record.curve.begin(), played.record.curve.end(), [](const CurvePoint& one) {
        return one.note.find("fails with its whole context") != std::string::npos;
      });
  ASSERT_NE(named, played.record.curve.end());
  EXPECT_GE(named->layers, 30);
  expect_every_winner_is_measured_in_full(played);
}

TEST(AdaptiveSweep, ASecondHangEndsTheDirectionTheFirstDoesNot) {
  for (const FailureClass failure : {FailureClass::timed_out, FailureClass::device_lost}) {
    std::vector<int> hung;
    const Played played = play_spoiled({}, [&](Trial& trial) {
      if (hung.size() >= 2) {
        EXPECT_LT(trial.layers, *std::min_element(hung.begin(), hung.end()));
      }
      if (trial.layers < 20) return;
      hung.push_back(trial.layers);
      fail(trial, failure, "hung");
    });
    ASSERT_GE(hung.size(), 2U);
    EXPECT_EQ(played.winner("fast"), 19);
    EXPECT_EQ(played.winner("optimum"), 19);
    EXPECT_THAT(point(played, 33).note, HasSubstr("hung"));
  }
}

TEST(AdaptiveSweep, OneHangIsNotTheEndOfTheDirection) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers == 27) fail(trial, FailureClass::timed_out, "hung");
  });
  EXPECT_EQ(times_asked(played, 27), 1);
  EXPECT_EQ(played.winner("optimum"), 33);
}

TEST(AdaptiveSweep, ACrashOfOneRowDoesNotEndTheDirection) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers == 27) fail(trial, FailureClass::crashed, "SIGSEGV");
  });
  EXPECT_EQ(times_asked(played, 27), 1);
  EXPECT_EQ(most_asked(played), 33);
  EXPECT_EQ(played.winner("optimum"), 33);
  EXPECT_THAT(played.winner("balanced"), Optional(26));
  EXPECT_EQ(point(played, 27).standing, Standing::failed);
  EXPECT_EQ(point(played, 27).note, "SIGSEGV");
}

TEST(AdaptiveSweep, ACpuThatFailsIsNotTheEnd) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers == 0) fail(trial, FailureClass::out_of_host_memory, "the host is full");
  });
  EXPECT_EQ(times_asked(played, 0), 1);
  EXPECT_EQ(played.winner("optimum"), 33);
}

TEST(AdaptiveSweep, EveryRowMayCrashAndItEnds) {
  const Played played = play_spoiled({}, [](Trial& trial) {
    if (trial.layers > 0) fail(trial, FailureClass::crashed, "no");
  });
  EXPECT_LE(played.steps.size(), 34U);
  EXPECT_EQ(played.winner("optimum"), 0);
}

// ---- cliffs

TEST(AdaptiveSweepCliff, ARowThatIsKnownToHaveSpilledOnlyLaterIsNotLearntFrom) {
  const Line line;
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  std::mt19937_64 random(1);
  const auto tell = [&](int layers, double ms) {
    SweepStep step;
    step.layers = layers;
    step.extent = Extent::full;
    sweep.tell(step, measured(layers, ms, 0.002, random, 2.5 * layers));
  };
  tell(0, line.ms(0));
  tell(10, line.ms(10));
  tell(33, 5 * line.ms(33));
  sweep.know_spilled(33, true);
  tell(20, line.ms(20));
  const Played played{{}, sweep.record()};
  EXPECT_EQ(point(played, 33).note, "spilled");
  for (const int layers : {15, 25, 30}) {
    EXPECT_NEAR(point(played, layers).generation_ms->value, line.ms(layers), 6) << layers;
  }
  sweep.know_spilled(33, false);
  EXPECT_EQ(point({{}, sweep.record()}, 33).note, "") << "what was said of it can be taken back";
}

// From `cliff_at` on everything takes `ms`.
Curve with_cliff(int cliff_at, double ms) {
  return [=](int layers) {
    Line line;
    line.blocks = 64;
    return layers < cliff_at ? line.ms(layers) : ms;
  };
}

TEST(AdaptiveSweepCliff, IsFoundByHalvesWhereverItLies) {
  constexpr double kPercentPerLayer = 84.0 / 65;
  for (const int cliff_at : {35, 44, 52, 57, 61, 64}) {
    SCOPED_TRACE(cliff_at);
    const Played played = play_curve(64, kPercentPerLayer, with_cliff(cliff_at, 90));
    EXPECT_EQ(played.winner("optimum"), cliff_at - 1);
    EXPECT_LE(played.loads(), 14) << "one of them to see whether others were there";
    for (const Decision& one : played.record.decisions) {
      if (one.layers && one.name != "diminishing") {
        EXPECT_LT(*one.layers, cliff_at) << one.name;
      }
    }
  }
}

TEST(AdaptiveSweepCliff, OutOfMemoryIsHalvedToo) {
  AdaptiveSweep sweep(candidates_for(64, 84.0 / 65), uniform_model(64), {});
  Line line;
  line.blocks = 64;
  std::mt19937_64 random(1);
  Played played;
  while (const auto step = sweep.ask()) {
    played.steps.push_back(*step);
    Trial trial = measured(step->layers, line.ms(step->layers), 0.005, random,
                           84.0 / 65 * step->layers, step->extent);
    if (step->layers >= 57) fail(trial, FailureClass::out_of_device_memory, "no room");
    sweep.tell(*step, trial);
    ASSERT_LT(played.steps.size(), 60U);
  }
  played.record = sweep.record();
  EXPECT_EQ(played.winner("optimum"), 56);
  EXPECT_LE(played.loads(), 11);
}

TEST(AdaptiveSweepCliff, WhatIsSlowOnceAndLiesBelowWhatIsFastIsNone) {
  // A hump: beyond it time falls again.
  const Curve hump = [](int layers) {
    Line line;
    line.blocks = 64;
    return line.ms(layers) * (layers >= 40 && layers < 48 ? 1.6 : 1.0);
  };
  const Played played = play_curve(64, 84.0 / 65, hump);
  EXPECT_EQ(played.winner("optimum"), 65);
}

// Somebody else has the processor while the first two counts of a band are measured.
TEST(AdaptiveSweepCliff, WhatOthersSlowedDownIsNoneOnceTheyHaveGone) {
  Line line;
  line.device_ms = 60;
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  std::mt19937_64 random(1);
  Played played;
  std::set<int> slowed;
  while (const auto step = sweep.ask()) {
    played.steps.push_back(*step);
    ASSERT_LT(played.steps.size(), 60U);
    const double percent = line.percent_per_layer * step->layers;
    if (percent >= 70 && slowed.size() < 2) slowed.insert(step->layers);
    const bool is_slow = percent >= 70 && slowed.count(step->layers) > 0 && !step->loads_anew;
    sweep.tell(*step, measured(step->layers, line.ms(step->layers) * (is_slow ? 1.5 : 1.0), 0.005,
                               random, percent, step->extent));
  }
  played.record = sweep.record();
  EXPECT_THAT(played.winner("performance"), Optional(testing::Ge(28)));
}

TEST(AdaptiveSweepCliff, OneCountOnTheDeviceTellsNothing) {
  // All of it is hardly faster than the CPU alone, and hides what lies between.
  const Curve curve = with_cliff(57, 80);
  const Played played = play_curve(64, 0.7, curve);  // everything lies in one band
  EXPECT_EQ(played.winner("optimum"), 56);
}

TEST(AdaptiveSweepCliff, BelowTheLeastThatWasMeasuredTheWayFromTheCpuIsHeldToo) {
  // The first layers are slower than the CPU alone, and nobody measured where that begins.
  Line line;
  line.cpu_ms = 30;
  const Curve curve = [&](int layers) { return layers == 0 ? 30 : 110 - 2.5 * layers; };
  const Played played = play_curve(32, 1.5, curve);
  int least = 99;
  for (const SweepStep& step : played.steps) {
    if (step.layers > 0) least = std::min(least, step.layers);
  }
  for (int layers = 1; layers < least; ++layers) {
    const CurvePoint& one = point(played, layers);
    if (one.standing != Standing::predicted) continue;
    const double straight = 30 + (curve(least) - 30) * layers / least;
    EXPECT_LE(one.generation_ms->low, straight * 1.02) << layers;
    EXPECT_GE(one.generation_ms->high, straight * 0.98) << layers;
  }
}

// ---- machines whose time is no line

struct NonLinear {
  const char* name;
  Curve curve;
  double within = 0.02;  ///< of the best
};

const std::vector<NonLinear>& non_linear() {
  static const std::vector<NonLinear> all = {
      {"from 20 layers on they go to a device that is slower than the CPU",
       [](int layers) { return layers <= 20 ? 100.0 - 3 * layers : 40 + 2.5 * (layers - 20); }},
      {"a card that slows down when it is half full",
       [](int layers) { return layers <= 21 ? 100.0 - 2 * layers : 58 + (layers - 21); }},
      {"a hump near the end",
       [](int layers) {
         const double away = (layers - 40) / 5.0;
         return 100 - 1.5 * layers + 45 * std::exp(-away * away);
       }},
      // The model is smooth: of what lies before an edge it believes a part of the step.
      {"a step that is paid once",
       [](int layers) { return 100 - 1.4 * layers + (layers >= 30 ? 40.0 : 0.0); }, 0.05},
  };
  return all;
}

TEST(AdaptiveSweep, NoticesWhereTimeIsNoLineAndStillFindsTheBest) {
  for (const NonLinear& machine : non_linear()) {
    SCOPED_TRACE(machine.name);
    const double truth = best_ms(machine.curve, 40, 2);
    int noticed = 0;
    int loads = 0;
    int wrong = 0;
    constexpr int kSeeds = 10;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Played played = play_curve(40, 2, machine.curve, seed);
      const bool has_cliff = std::any_of(
          played.record.curve.begin(), played.record.curve.end(), [](const CurvePoint& one) {
            return one.note.find("slower than fewer") != std::string::npos;
          });
      noticed += played.record.generation->linear && !has_cliff ? 0 : 1;
      loads += played.loads();
      wrong += machine.curve(played.winner("optimum").value_or(0)) > (1 + machine.within) * truth
                   ? 1
                   : 0;
    }
    EXPECT_GE(noticed, kSeeds - 1);
    EXPECT_LE(wrong, 1);
    Line line;
    line.blocks = 40;
    line.percent_per_layer = 2;
    EXPECT_GT(loads, kSeeds * play_line(line).loads()) << "more than on a line";
    EXPECT_LE(loads, kSeeds * 42);
  }
}

// ---- what is known beforehand

// Slices that say `factor` times the truth.
Played play_with_slices(const Curve& curve, const Curve& factor, std::uint64_t seed) {
  auto candidates = candidates_for(40, 2);
  for (LayerCandidate& one : candidates) {
    const double ms = curve(one.layers) * factor(one.layers);
    one.slice_ms = Estimate{ms, 0.98 * ms, 1.02 * ms};
  }
  AdaptiveSweep sweep(candidates, uniform_model(40), {});
  return play(sweep, curve, 2, 0.005, seed);
}

TEST(AdaptiveSweep, SlicesThatKnowOfAStepLoseNothing) {
  const Curve curve = non_linear().back().curve;
  int loads = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Played played = play_with_slices(
        curve, [](int) { return 1.0; }, seed);
    EXPECT_LE(curve(played.winner("optimum").value_or(0)), 1.05 * best_ms(curve, 40, 2));
    loads += played.loads();
  }
  EXPECT_LE(loads, 120);
}

TEST(AdaptiveSweep, SlicesThatAreOffAreOverruledByWhatIsMeasured) {
  Line line;
  line.blocks = 40;
  const Curve curve = [&](int layers) { return line.ms(layers); };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    // The device seems half slower than it is.
    const Played played = play_with_slices(
        curve, [](int layers) { return 1 + 0.5 * layers / 41; }, seed);
    EXPECT_EQ(played.winner("optimum"), 41);
    EXPECT_EQ(played.winner("fast"), 24);
  }
}

TEST(AdaptiveSweep, WhatTakesMoreMemoryThanPredictedMovesTheRest) {
  // The driver takes 6 % that llama.cpp does not count: 32 layers are 86 %, not 80.
  const Line line;
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  std::mt19937_64 random(1);
  Played played;
  while (const auto step = sweep.ask()) {
    played.steps.push_back(*step);
    const double percent = step->layers == 0 ? 0 : 2.5 * step->layers + 6;
    sweep.tell(*step,
               measured(step->layers, line.ms(step->layers), 0.005, random, percent, step->extent));
    ASSERT_LT(played.steps.size(), 60U);
  }
  played.record = sweep.record();
  EXPECT_EQ(played.winner("optimum"), 31);  // 83.5 %
  EXPECT_EQ(played.winner("fast"), 17);     // 48.5 %
  EXPECT_NEAR(*point(played, 5).vram_percent, 18.5, 1e-9);
  EXPECT_LE(most_asked(played), 31);
}

TEST(AdaptiveSweep, WithoutAMemoryReadingNothingOffloadedIsCalledSafe) {
  auto candidates = candidates_for(32, 2.5);
  for (LayerCandidate& one : candidates) one.vram_percent = Absence{"no driver"};
  AdaptiveSweep sweep(candidates, uniform_model(32), {});
  std::mt19937_64 random(1);
  int asked = 0;
  while (const auto step = sweep.ask()) {
    Trial trial = measured(step->layers, Line{}.ms(step->layers), 0.005, random, 0, step->extent);
    trial.vram_percent = Absence{"no driver"};
    sweep.tell(*step, trial);
    ASSERT_LT(++asked, 60);
  }
  for (const Decision& one : sweep.record().decisions) {
    if (one.layers && one.name != "diminishing") {
      EXPECT_EQ(*one.layers, 0) << one.name;
    }
  }
}

// ---- any machine

// Ends; asks nothing twice except to complete it, once where it lies off the curve, and once in a
// load of its own where a band hangs on it; asks nothing that does not fit or is closed.
RC_GTEST_PROP(AdaptiveSweepProperty, AlwaysEndsAndKeepsItsPromises, ()) {
  const int blocks = *rc::gen::inRange(1, 20);
  const double percent_per_layer = *rc::gen::inRange(2, 120) / 10.0 * 20 / blocks;
  const auto times = *rc::gen::container<std::vector<int>>(static_cast<std::size_t>(blocks) + 2,
                                                           rc::gen::inRange(1, 1000));
  const auto fates = *rc::gen::container<std::vector<int>>(static_cast<std::size_t>(blocks) + 2,
                                                           rc::gen::inRange(0, 24));
  const auto candidates = candidates_for(blocks, percent_per_layer);
  AdaptiveSweep sweep(candidates, uniform_model(blocks), {});
  std::mt19937_64 random(1);
  std::map<int, std::vector<Extent>> asked;
  std::map<std::pair<int, bool>, int> repeats;
  int closed_from = 999;
  int hangs = 0;
  int hung = 999;
  while (const auto step = sweep.ask()) {
    const int layers = step->layers;
    const auto at = static_cast<std::size_t>(layers);
    RC_ASSERT(!step->reason.empty());
    RC_ASSERT(candidates.at(at).why_not.empty());
    std::vector<Extent>& before = asked[layers];
    if (before.empty()) {
      RC_ASSERT(layers < closed_from);
    }
    const bool again = step->reason.find("again:") != std::string::npos || step->loads_anew;
    if (again) RC_ASSERT((++repeats[{layers, step->loads_anew}] == 1));
    if (!before.empty() && !again) {
      RC_ASSERT(before.back() == Extent::generation_only);
      RC_ASSERT(step->extent == Extent::full);
    }
    before.push_back(step->extent);
    Trial trial =
        measured(layers, times[at], 0.005, random, percent_per_layer * layers, step->extent);
    switch (layers == 0 ? 99 : fates[at]) {
      case 0:
        fail(trial, FailureClass::out_of_device_memory, "no room");
        closed_from = std::min(closed_from, layers);
        break;
      case 1:
        fail(trial, FailureClass::timed_out, "hung");
        hung = std::min(hung, layers);
        if (++hangs == 2) closed_from = std::min(closed_from, hung);
        break;
      case 2:
        fail(trial, FailureClass::crashed, "crash");
        break;
      case 3:
        trial.mark(Disturbance::spilled);
        closed_from = std::min(closed_from, layers + 1);
        break;
      case 4:
        if (step->extent != Extent::full) break;
        trial.full_depth = FullDepth::failed;
        closed_from = std::min(closed_from, layers + 1);
        break;
      default:
        break;
    }
    sweep.tell(*step, trial);
  }
  const SweepRecord record = sweep.record();
  RC_ASSERT(record.curve.size() == candidates.size());
  for (const Decision& one : record.decisions) {
    if (!one.layers || one.name == "diminishing") continue;
    RC_ASSERT(asked.count(*one.layers) == 1U);
    const std::vector<Extent>& extents = asked[*one.layers];
    RC_ASSERT(std::count(extents.begin(), extents.end(), Extent::full) == 1);
    RC_ASSERT(point({{}, record}, *one.layers).standing == Standing::measured);
    RC_ASSERT(point({{}, record}, *one.layers).note.empty());
  }
}

// ---- what others spoil (R47, R49)

void blur(Trial& trial) {
  Speed& speed = *trial.generation;
  speed.tokens_per_second.low = 0.1 * speed.tokens_per_second.value;
  speed.tokens_per_second.high = 3 * speed.tokens_per_second.value;
  speed.ms_per_token.low = speed.ms_per_token.value / 3;
  speed.ms_per_token.high = speed.ms_per_token.value * 10;
}

// The first `spoiled` trials are measured beside a neighbour.
Spoil beside_a_neighbour(int spoiled, const Spoil& how) {
  return [spoiled, how, told = 0](Trial& trial) mutable {
    if (told++ < spoiled) how(trial);
  };
}

void starve(Trial& trial) {
  slow_down(trial, 6);
  trial.mark_contended(Contended::processor);
}

TEST(AdaptiveSweepSpoiled, TheReferenceIsMeasuredAnewOnceTheNeighbourHasGone) {
  const Played played = play_spoiled(Line{}, beside_a_neighbour(1, starve));
  ASSERT_EQ(times_asked(played, 0), 2);
  EXPECT_EQ(played.steps[2].layers, 0) << "as soon as another trial was quiet";
  EXPECT_EQ(played.steps[2].extent, Extent::full);
  EXPECT_THAT(played.steps[2].reason, HasSubstr("anew"));
  EXPECT_NEAR(point(played, 0).generation_ms->value, Line{}.ms(0), 0.05 * Line{}.ms(0));
  EXPECT_EQ(decision(played, "optimum").layers, 33) << "as on a quiet machine";
}

TEST(AdaptiveSweepSpoiled, SoIsOneThatHeatSlowedDown) {
  const Played played = play_spoiled(Line{}, beside_a_neighbour(1, [](Trial& trial) {
                                       slow_down(trial, 2);
                                       trial.mark(Disturbance::throttled);
                                     }));
  EXPECT_EQ(times_asked(played, 0), 2);
}

TEST(AdaptiveSweepSpoiled, SoIsOneWhoseSpeedIsTooUncertain) {
  const Played played = play_spoiled(Line{}, beside_a_neighbour(1, blur));
  EXPECT_EQ(times_asked(played, 0), 2);
  EXPECT_EQ(point(played, 0).note, "");
}

TEST(AdaptiveSweepSpoiled, WhereTheNeighbourStaysItComesOnceMoreAtTheEnd) {
  const Played played = play_spoiled(Line{}, starve);
  EXPECT_EQ(times_asked(played, 0), 2);
  EXPECT_EQ(played.steps.back().layers, 0);
}

TEST(AdaptiveSweepSpoiled, AQuietMachineIsAskedNothingTwice) {
  const Played played = play_line(Line{});
  for (const SweepStep& step : played.steps) EXPECT_FALSE(step.anew);
}

// Starved rows were called spilled, and ended the direction.
TEST(AdaptiveSweepSpoiled, AStarvedTrialIsNoCliff) {
  const Played played = play_spoiled(Line{}, [told = 0](Trial& trial) mutable {
    if (++told == 4) starve(trial);
  });
  EXPECT_EQ(most_asked(played), 33) << "more layers are still tried";
  EXPECT_EQ(decision(played, "optimum").layers, 33);
  const int starved = played.steps[3].layers;
  EXPECT_TRUE(std::any_of(played.steps.begin(), played.steps.end(),
                          [&](const auto& step) { return step.anew && step.layers == starved; }));
  EXPECT_EQ(point(played, starved).note, "");
}

TEST(AdaptiveSweepSpoiled, NothingButNoiseEndsWithoutAWinner) {
  const Played played = play_spoiled(Line{}, blur);
  EXPECT_LE(played.steps.size(), 6U) << "three, and each once more";
  for (const Decision& one : played.record.decisions) EXPECT_FALSE(one.layers) << one.name;
}

}  // namespace
}  // namespace sweetspot::search
