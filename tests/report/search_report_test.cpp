// What an adaptive sweep and a tune say of themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "golden/sample_run.hpp"
#include "report/run_report.hpp"
#include "report/texts.hpp"
#include "report/tune_report.hpp"

namespace sweetspot::report {
namespace {

using sweetspot::tests::adaptive_run;
using sweetspot::tests::hostile_text;
using sweetspot::tests::mission_run;
using sweetspot::tests::tuned_run;
using test::golden;
using test::kPlain;
using test::line_with;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using ARun = sweetspot::Run;  // testing::Test has a member called Run

int widest(const std::string& text) {
  int width = 0;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) width = std::max(width, display_width(line));
  return width;
}

bool is_safe(const std::string& text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f' || c == '\xff';
  });
}

// ---- an adaptive sweep

TEST(Golden, CurveOfAnAdaptiveRun) {
  tests::expect_golden("curve_adaptive.txt", curve_text(adaptive_run(), kPlain));
}

TEST(CurveText, CallsAPredictionThatLeavesTheSpeedOpenUnknown) {
  sweetspot::Run run = adaptive_run();
  CurvePoint& point = run.sweep->curve[1];
  point.full_depth_ms = Estimate{100, 40, 300};
  EXPECT_THAT(line_with(curve_text(run, kPlain), "1              -"), HasSubstr("unknown"));
}

TEST(CurveText, SaysHowMuchADecisionRestsOn) {
  sweetspot::Run run = adaptive_run();
  run.results.resize(2);
  for (Trial& trial : run.results) {
    trial.failure.reset();
    trial.generation.emplace();
    trial.generation->tokens_per_second = {100, 90, 110};
  }
  run.results[1].generation->stop_reason = StopReason::time_cap;
  EXPECT_THAT(curve_text(run, kPlain), HasSubstr("Decided, from 2 measurements (1 ended at the "
                                                 "time limit, known to within 10.0 %)\n"));
  run.results[0].generation->stop_reason = StopReason::time_cap;
  run.results[0].generation->tokens_per_second = {100, 98, 102};
  EXPECT_THAT(curve_text(run, kPlain),
              HasSubstr("(2 ended at the time limit, known to within 2.0 to 10.0 %)"));
}

TEST(CurveText, IsEmptyForOtherRuns) { EXPECT_EQ("", curve_text(mission_run(), kPlain)); }

TEST(CurveText, IsSafeAndFitsATerminal) {
  for (const int width : {60, 100}) {
    const std::string text = curve_text(adaptive_run(), {false, width});
    EXPECT_TRUE(is_safe(text));
    EXPECT_LE(widest(text), width);
  }
}

TEST(CurveText, ShowsNoMeasuredRowAndNotTooMany) {
  const std::string text = curve_text(adaptive_run(), kPlain);
  EXPECT_THAT(text, HasSubstr("shown"));
  EXPECT_EQ("", line_with(text, "32.5"));
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 35);
}

TEST(CurveText, PutsNeighboursWithOneReasonOnOneLine) {
  EXPECT_THAT(curve_text(adaptive_run(), kPlain),
              HasSubstr("31 to 32 layers would not fit: CUDA0 lacks 90 MiB"));
}

TEST(CurveText, WarnsWhereTimeIsNotLinear) {
  ARun run = adaptive_run();
  EXPECT_THAT(curve_text(run, kPlain), Not(HasSubstr("not linear")));
  run.sweep->generation->linear = false;
  EXPECT_THAT(curve_text(run, kPlain), HasSubstr("not linear"));
}

TEST(CurveText, TakesASweepThatKnowsNothing) {
  ARun run = mission_run();
  run.sweep.emplace();
  EXPECT_EQ("", curve_text(run, kPlain));
}

// ---- a tune

TEST(Golden, Tune) {
  tests::expect_golden("tune.txt",
                       tune_table(tuned_run(), kPlain) + "\n" + tune_text(tuned_run(), kPlain));
}

TEST(TuneReport, IsSafeAndFitsATerminal) {
  ARun run = tuned_run();
  run.tune->verdict = hostile_text();
  run.results[6].title = hostile_text();
  for (const int width : {60, 100}) {
    const std::string text = tune_table(run, {false, width}) + tune_text(run, {false, width});
    EXPECT_TRUE(is_safe(text));
    EXPECT_LE(widest(text), width);
  }
}

TEST(TuneReport, MarksWinnerBaselineAndFront) {
  const std::string text = tune_table(tuned_run(), kPlain);
  EXPECT_THAT(line_with(text, "n_ubatch 1024"), testing::StartsWith("*"));
  EXPECT_THAT(line_with(text, "28 layers, llama.cpp's defaults "), testing::StartsWith("="));
  EXPECT_THAT(line_with(text, "the CPU alone"), testing::StartsWith("+"));
  EXPECT_THAT(line_with(text, "33 layers"), testing::StartsWith(" "));
  EXPECT_THAT(line_with(text, "q4_0 cache"), HasSubstr("failed: wrong-output"));
  EXPECT_THAT(line_with(text, "31 layers"), HasSubstr("throttled"));
}

TEST(TuneReport, ShowsEachSettingOnceWithItsFinalFigure) {
  const std::string text = tune_table(tuned_run(), {false, 130});
  EXPECT_THAT(text, Not(HasSubstr("final round")));
  EXPECT_THAT(line_with(text, "n_ubatch 1024"), AllOf(HasSubstr(" 3 "), HasSubstr("31.1 ±0.3")));
  EXPECT_THAT(line_with(text, "28 layers"), AllOf(HasSubstr(" 3 "), HasSubstr("26.9 ±0.3")));
}

TEST(TuneReport, MarksTheDefaultsAsWinnerWhereTheyAreBest) {
  ARun run = tuned_run();
  run.tune->winner = run.tune->baseline;
  run.tune->rounds.clear();
  EXPECT_THAT(line_with(tune_table(run, kPlain), "28 layers"), testing::StartsWith("*"));
}

TEST(TuneReport, SaysVerdictAndRounds) {
  const std::string text = tune_text(tuned_run(), kPlain);
  EXPECT_THAT(text,
              AllOf(HasSubstr("256 prompt and 256 generated tokens, 1024 in the context"),
                    HasSubstr("1.15 times as fast"), HasSubstr("alternating runs: 1.16, 1.14"),
                    HasSubstr("everything is decided")));
}

TEST(TuneReport, SaysWhoseSpeedsTheyAre) {
  ARun run = tuned_run();
  run.workload.n_parallel = 4;
  EXPECT_THAT(
      tune_text(run, {.width = 200}),
      HasSubstr("in the context before, 4 sequences side by side (tok/s of all together);"));
}

TEST(TuneReport, TakesARunWithoutATuneOrTrials) {
  EXPECT_EQ("", tune_text(mission_run(), kPlain));
  EXPECT_EQ("Nothing was measured.\n", tune_table(mission_run(), kPlain));
  ARun run = tuned_run();
  run.results.clear();
  EXPECT_EQ("Nothing was measured.\n", tune_table(run, kPlain));
}

}  // namespace
}  // namespace sweetspot::report
