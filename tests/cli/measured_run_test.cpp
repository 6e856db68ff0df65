// With which code a measuring command ends.
#include "cli/measured_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::cli {
namespace {

using testing::HasSubstr;

profiler::RunOutcome outcome_of(const std::vector<Estimate>& speeds) {
  profiler::RunOutcome outcome;
  for (const Estimate& speed : speeds) {
    Trial& trial = outcome.run.results.emplace_back();
    trial.generation = Speed{};
    trial.generation->tokens_per_second = speed;
  }
  return outcome;
}

TEST(ConcludeRun, OneSpeedThatSaysSomethingIsEnough) {
  EXPECT_EQ(conclude_run(outcome_of({{2.37, 0.1, 7.46}, {10, 9.9, 10.1}}), "run.json"), 0);
}

TEST(ConcludeRun, NothingButNoiseIsNothingMeasurable) {
  const auto code = conclude_run(outcome_of({{2.37, 0.1, 7.46}, {0.57, 0.01, 1.15}}), "run.json");
  ASSERT_FALSE(code);
  EXPECT_EQ(code.error().kind, ErrorKind::nothing_measurable);
  EXPECT_THAT(code.error().message, HasSubstr("too uncertain"));
  EXPECT_THAT(code.error().remedy, HasSubstr("--max-seconds"));
  EXPECT_THAT(code.error().remedy, HasSubstr("run.json"));
}

TEST(ConcludeRun, NothingMeasuredIsSaidAsSuch) {
  profiler::RunOutcome outcome;
  outcome.run.results.emplace_back().failure =
      Failure{FailureClass::out_of_device_memory, Phase::load, "full", {}, {}};
  const auto code = conclude_run(outcome, "run.json");
  ASSERT_FALSE(code);
  EXPECT_THAT(code.error().message, HasSubstr("no configuration could be measured"));
}

TEST(ConcludeRun, WhatEveryRowFailedOfIsTheReason) {
  const auto kind_of = [](std::vector<FailureClass> classes) {
    profiler::RunOutcome outcome;
    for (const FailureClass each : classes) {
      outcome.run.results.emplace_back().failure = Failure{each, Phase::load, "why", {}, {}};
    }
    return conclude_run(outcome, "run.json").error().kind;
  };
  EXPECT_EQ(kind_of({FailureClass::host_limit, FailureClass::host_limit}), ErrorKind::host_limit);
  EXPECT_EQ(kind_of({FailureClass::model_invalid}), ErrorKind::model);
  EXPECT_EQ(kind_of({FailureClass::host_limit, FailureClass::crashed}),
            ErrorKind::nothing_measurable);
}

}  // namespace
}  // namespace sweetspot::cli
