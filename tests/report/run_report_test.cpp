#include "report/run_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "golden/sample_run.hpp"
#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using sweetspot::tests::mission_run;
using sweetspot::tests::troubled_run;
using test::golden;
using test::kPlain;
using test::line_with;
using test::lines_of;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

using ARun = sweetspot::Run;  // testing::Test has a member called Run

std::string everything(const ARun& run, const Style& style) {
  return header_text(run, style) + results_table(run, style) +
         results_table(run, style, SortBy::layers) + analysis_text(run, style) +
         profiles_text(run, style) + failures_text(run, style);
}

// ---- golden

TEST(Golden, ResultsOfTheMission) {
  tests::expect_golden("results_mission.txt", results_table(mission_run(), kPlain));
}

TEST(Golden, ResultsWithFailures) {
  tests::expect_golden("results_troubled.txt", results_table(troubled_run(), kPlain) +
                                                   failures_text(troubled_run(), kPlain));
}

// ---- every text

TEST(RunReport, IsSafeForATerminalWhateverTheRunHolds) {
  const std::string text = everything(troubled_run(), kPlain);
  EXPECT_THAT(text, HasSubstr("\\x1b[31mred"));
  EXPECT_TRUE(std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == '\x7f' || c == '\xff';
  }));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("\xc2\x9b")), Not(HasSubstr("\xe2\x80\xae"))));
}

TEST(RunReport, TakesAMebibyteOfName) {
  ARun run = troubled_run();
  run.model.name = std::string(1U << 20U, '\x1b');
  run.results[1].failure->stderr_tail = std::string(1U << 20U, 'x');
  EXPECT_LT(everything(run, kPlain).size(), 20000U);
}

TEST(RunReport, FitsAHundredColumns) {
  for (const ARun& run : {mission_run(), troubled_run()}) {
    for (const std::string& line :
         lines_of(results_table(run, kPlain) + profiles_text(run, kPlain) +
                  failures_text(run, kPlain))) {
      EXPECT_LE(display_width(line), 100) << line;
    }
  }
  EXPECT_THAT(results_table(mission_run(), kPlain),
              AllOf(HasSubstr("#"), HasSubstr("context"), HasSubstr("prompt tok/s")));
}

TEST(RunReport, WrapsSentencesOnNarrowTerminals) {
  for (const std::string& line : lines_of(analysis_text(mission_run(), {false, 50}))) {
    EXPECT_LE(display_width(line), 50) << line;
  }
}

TEST(RunReport, ColoursOnlyWhereAsked) {
  EXPECT_THAT(everything(mission_run(), {false, 100}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(everything(mission_run(), {true, 100}), HasSubstr("\x1b[1;32m"));
}

TEST(RunReport, TakesARunThatHoldsNothing) {
  ARun run;
  EXPECT_EQ("Nothing was measured.\n", results_table(run, kPlain));
  EXPECT_THAT(analysis_text(run, kPlain), HasSubstr("no measured configuration"));
  EXPECT_EQ("", profiles_text(run, kPlain));
  EXPECT_EQ("", failures_text(run, kPlain));
  EXPECT_THAT(header_text(run, kPlain), HasSubstr("none: everything runs on the CPU"));
}

TEST(RunReport, IgnoresIndexesThatPointNowhere) {
  ARun run = mission_run();
  run.analysis.optimum = 99;
  run.analysis.fastest = 99;
  run.analysis.tied_with_optimum = {98};
  EXPECT_THAT(everything(run, kPlain), HasSubstr("Best"));
}

// ---- the table

TEST(ResultsTable, SortsBySpeedBestFirstAndFailuresLast) {
  const auto lines = lines_of(results_table(troubled_run(), kPlain));
  EXPECT_THAT(lines[2], HasSubstr("12.5"));
  EXPECT_THAT(lines[3], HasSubstr("crashed"));
  EXPECT_THAT(lines[4], HasSubstr("out-of-device-memory"));
}

TEST(ResultsTable, SortsByLayers) {
  const auto lines = lines_of(results_table(mission_run(), kPlain, SortBy::layers));
  EXPECT_THAT(lines[2], HasSubstr("12.5"));
  EXPECT_THAT(lines[6], HasSubstr("32.5"));
}

TEST(ResultsTable, MarksTheOptimumNotTheFirstRow) {
  ARun run = mission_run();
  run.analysis.optimum = 3;
  run.analysis.tied_with_optimum = {4};
  const std::string text = results_table(run, kPlain);
  EXPECT_THAT(line_with(text, "32.5 "), testing::StartsWith("~ "));
  EXPECT_THAT(line_with(text, "29.1 "), testing::StartsWith("* "));
  EXPECT_THAT(text, HasSubstr("~ tie: no measurable difference"));
}

TEST(ResultsTable, ShowsAbsentAsADashWithTheReasonBelowAndZeroAsZero) {
  const std::string text = results_table(troubled_run(), kPlain);
  EXPECT_THAT(line_with(text, "12.5"), Not(HasSubstr("±0.3  0")));
  EXPECT_THAT(text, HasSubstr("- under GPU %, °C: not available for RPC0"));
  EXPECT_THAT(line_with(results_table(mission_run(), kPlain), "12.5"), HasSubstr("     0  55  ok"));
}

TEST(ResultsTable, SaysThatEqualRequestsWereMeasuredOnce) {
  const std::string text = results_table(mission_run(), kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("33 (asked 35, 40, 43, -1)"), HasSubstr("measured once")));
  ARun run = mission_run();
  run.results.pop_back();
  run.analysis.optimum.reset();
  EXPECT_THAT(results_table(run, kPlain), Not(HasSubstr("measured once")));
}

TEST(ResultsTable, SaysWhatSpoilsARow) {
  ARun run = mission_run();
  run.results[0].disturbances = {Disturbance::throttled};
  run.results[3].mark(Disturbance::spilled);
  run.results[1].full_depth = FullDepth::failed;
  run.results[2].generation->stop_reason = StopReason::time_cap;
  const std::string text = results_table(run, kPlain);
  EXPECT_THAT(line_with(text, "12.5 "), HasSubstr("ok       throttled"));
  EXPECT_THAT(line_with(text, "29.1 "), HasSubstr("ok       spilled"));
  EXPECT_THAT(text, AllOf(HasSubstr("throttled: heat"), HasSubstr("spilled: device memory"),
                          Not(HasSubstr("contended"))));
  EXPECT_THAT(line_with(text, "18.2 "), HasSubstr("FAILS    not safe"));
  EXPECT_THAT(line_with(text, "23.4 "), HasSubstr("time limit"));
  EXPECT_THAT(text, HasSubstr("before ±1 % was reached"));
  EXPECT_THAT(text, Not(HasSubstr("stopped early")));
}

TEST(ResultsTable, SaysWhichRowsWereMeasuredLessExactly) {
  ARun run = mission_run();
  run.results[2].generation->stop_reason = StopReason::outrun;
  const std::string text = results_table(run, kPlain);
  EXPECT_THAT(line_with(text, "23.4 "), HasSubstr("slower (stopped early)"));
  EXPECT_THAT(text, AllOf(HasSubstr("plainly slower"), Not(HasSubstr("time limit"))));
}

TEST(ResultsTable, NamesEveryDisturbanceOfARow) {
  ARun run = mission_run();
  run.results[0].disturbances = {Disturbance::throttled, Disturbance::contended};
  run.results[4].mark(Disturbance::throttled);
  EXPECT_THAT(line_with(everything(run, kPlain), "  Best"), HasSubstr("(76 %), throttled"));
  const std::string text = results_table(run, {false, 140});
  EXPECT_THAT(line_with(text, "12.5 "), HasSubstr("ok       throttled, contended"));
  EXPECT_THAT(text, HasSubstr("contended: other programs"));
}

TEST(ResultsTable, SaysWhatAContendedRowHadToShare) {
  ARun run = mission_run();
  run.results[0].mark_contended(Contended::processor);
  std::string text = everything(run, kPlain);
  EXPECT_THAT(line_with(text, "12.5 "), HasSubstr("contended, processor"));
  EXPECT_THAT(text, AllOf(HasSubstr("contended, processor: other programs used the processor"),
                          Not(HasSubstr("contended: other programs used the device"))));
  run.results[0].mark_contended(Contended::device);
  text = everything(run, kPlain);
  EXPECT_THAT(line_with(text, "12.5 "), HasSubstr("contended, device, processor"));
  EXPECT_THAT(text, HasSubstr("contended: other programs used the device"));
}

// R49
TEST(ResultsTable, SaysWhichSpeedsAreTooUncertainAndWhatToDo) {
  ARun run = mission_run();
  run.results[0].generation->tokens_per_second.high = 40;
  const std::string text = everything(run, kPlain);
  EXPECT_THAT(line_with(text, "12.2 to 40.0"), HasSubstr("too uncertain"));
  EXPECT_THAT(text, AllOf(HasSubstr("too uncertain: the interval reaches half of the speed"),
                          HasSubstr("--max-seconds")));
}

TEST(AnalysisText, OfNothingButNoiseSaysSo) {
  ARun run = mission_run();
  run.analysis.optimum.reset();
  for (Trial& trial : run.results) {
    if (trial.generation) trial.generation->tokens_per_second.high *= 3;
  }
  EXPECT_THAT(line_with(analysis_text(run, kPlain), "  Best"),
              HasSubstr("every speed is too uncertain"));
}

TEST(ResultsTable, KeepsLayersSpeedAndStatusOnEveryTerminal) {
  for (int width = 50; width <= 100; ++width) {
    const auto lines = lines_of(results_table(mission_run(), {false, width}));
    EXPECT_THAT(lines[0], AllOf(HasSubstr("layers"), HasSubstr("tok/s"), HasSubstr("status")));
    EXPECT_LE(display_width(lines[6]), width);
  }
}

// ---- the rest

TEST(HeaderText, SaysWhatIsMeasuredOnWhat) {
  const std::string text = header_text(mission_run(), kPlain);
  EXPECT_THAT(text,
              AllOf(HasSubstr("zephyr-7b-beta, llama, Q5_K - Medium, 4.78 GiB"),
                    HasSubstr("32 blocks + output = 33 layers"), HasSubstr("CUDA0, NVIDIA GeForce"),
                    HasSubstr("driver 550.54"), HasSubstr("llama.cpp 0.7.0"),
                    HasSubstr("512 prompt and 128 generated"), Not(HasSubstr("Note"))));
}

TEST(HeaderText, SaysWhoseSpeedsTheyAre) {
  ARun run = mission_run();
  EXPECT_THAT(header_text(run, kPlain), Not(HasSubstr("side by side")));
  run.workload.n_parallel = 4;
  EXPECT_THAT(
      header_text(run, {.width = 200}),
      HasSubstr("0 before them, 4 sequences side by side (tok/s of all together); context"));
}

TEST(HeaderText, ShowsTheChosenDevicesAndTheNotices) {
  ARun run = troubled_run();
  EXPECT_THAT(header_text(run, kPlain), AllOf(HasSubstr("RPC0"), HasSubstr("no GPU here")));
  run.base_config.placement.devices = {"CUDA7"};
  EXPECT_THAT(header_text(run, kPlain), Not(HasSubstr("RPC0")));
}

TEST(AnalysisText, SaysWhatWasFound) {
  const std::string text = analysis_text(mission_run(), kPlain);
  EXPECT_THAT(text,
              AllOf(HasSubstr("33 layers (#4): 32.5 ±0.3 tok/s, GPU memory 4.58 GiB (76 %)"),
                    HasSubstr("2.60 times as fast"), HasSubstr("126 MiB"),
                    HasSubstr("- (every layer measured gains 2 % or more)"),
                    HasSubstr("+11 °C over the run"), Not(HasSubstr("no measurable difference"))));
}

TEST(AnalysisText, SaysTiesAndUnsafeSpeedPlainly) {
  ARun run = mission_run();
  run.analysis.optimum = 3;
  run.analysis.tied_with_optimum = {3, 2};
  run.analysis.diminishing_after_layers = 30;
  const std::string text = analysis_text(run, kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("no measurable difference to 20 layers"),
                          HasSubstr("Fastest at any cost"), HasSubstr("33 layers (#4)"),
                          HasSubstr("from 30 layers on, another layer gains less than 2 %")));
}

TEST(AnalysisText, SaysNothingOfAFastestThatIsTheOptimumOrTiesWithIt) {
  ARun run = mission_run();
  EXPECT_THAT(analysis_text(run, kPlain), Not(HasSubstr("Fastest")));
  run.analysis.optimum = 3;
  run.analysis.tied_with_optimum = {4};
  EXPECT_THAT(analysis_text(run, kPlain), Not(HasSubstr("Fastest")));
}

TEST(ProfilesText, ShowsEachProfileWithItsProofOrItsReason) {
  EXPECT_THAT(line_with(profiles_text(mission_run(), kPlain), "balanced"),
              AllOf(HasSubstr("30"), HasSubstr("3.98 GiB"), HasSubstr("66"), HasSubstr("29.1"),
                    HasSubstr("#3")));
  const std::string text = profiles_text(troubled_run(), kPlain);
  EXPECT_THAT(text, AllOf(HasSubstr("none: nothing measured uses less than 50 %"),
                          HasSubstr("for somebody")));
  EXPECT_THAT(line_with(text, "cpu_fallback"), AllOf(HasSubstr("12.5"), HasSubstr(" - ")));
}

TEST(FailuresText, ShowsTheLastFiveLinesOfEachWorker) {
  const std::string text = failures_text(troubled_run(), kPlain);
  EXPECT_THAT(text,
              AllOf(HasSubstr("#1 8 layers: crashed in phase load, signal 6: the worker died"),
                    HasSubstr("| two\n"), HasSubstr("| GGML_ASSERT"), Not(HasSubstr("| one"))));
  EXPECT_EQ("", failures_text(mission_run(), kPlain));
}

}  // namespace
}  // namespace sweetspot::report
