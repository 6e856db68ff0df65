#include "report/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "golden/sample_run.hpp"
#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using test::golden;
using test::kPlain;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

ProgressState state_of(std::size_t done, std::size_t total, double elapsed, double in_trial) {
  ProgressState state;
  state.trials_done = done;
  state.trials_total = total;
  state.layers = 20;
  state.seconds_elapsed = elapsed;
  state.seconds_in_trial = in_trial;
  state.expected_trial_seconds = 30;
  return state;
}

// ---- time left

TEST(SecondsLeft, UsesWhatIsExpectedUntilATrialHasFinished) {
  EXPECT_DOUBLE_EQ(120, *seconds_left(state_of(0, 4, 0, 0)));
  EXPECT_DOUBLE_EQ(110, *seconds_left(state_of(0, 4, 10, 10)));
}

TEST(SecondsLeft, UsesTheMeanOfFinishedTrialsThen) {
  EXPECT_DOUBLE_EQ(30, *seconds_left(state_of(1, 4, 10, 0)));
  EXPECT_DOUBLE_EQ(26, *seconds_left(state_of(1, 4, 14, 4)));
}

TEST(SecondsLeft, NeverGoesBelowTheTrialsToCome) {
  EXPECT_DOUBLE_EQ(20, *seconds_left(state_of(1, 4, 110, 100)));
  EXPECT_DOUBLE_EQ(0, *seconds_left(state_of(3, 4, 130, 100)));
  EXPECT_DOUBLE_EQ(0, *seconds_left(state_of(4, 4, 40, 0)));
}

TEST(SecondsLeft, IsAbsentWhereNothingIsKnown) {
  ProgressState state = state_of(0, 4, 5, 5);
  state.expected_trial_seconds = 0;
  EXPECT_FALSE(seconds_left(state));
  state.expected_trial_seconds = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(seconds_left(state));
}

// ---- the line

TEST(RenderProgress, ShowsTrialLayersPhaseAndTimeLeft) {
  ProgressState state = state_of(1, 4, 10, 0);
  state.phase = Phase::load;
  state.fraction = 0.41;
  EXPECT_EQ("[#####...............] trial 2/4 20 layers, loading 41 %, 30 s left",
            render(state, kPlain));
}

TEST(RenderProgress, LeavesOutWhatIsNotKnown) {
  ProgressState state = state_of(0, 4, 0, 0);
  state.expected_trial_seconds = 0;
  EXPECT_EQ("[....................] trial 1/4 20 layers", render(state, kPlain));
}

TEST(RenderProgress, FitsEveryWidth) {
  ProgressState state = state_of(1, 40, 1000, 0);
  for (const Phase phase : {Phase::start, Phase::generation, Phase::full_depth}) {
    state.phase = phase;
    for (int width = 0; width < 100; ++width) {
      EXPECT_LE(display_width(render(state, {false, width})), width);
    }
  }
  EXPECT_THAT(render(state, {false, 40}), StartsWith("trial 2/40"));
}

TEST(RenderProgress, TakesNonsense) {
  ProgressState state = state_of(9, 4, -5, 7);
  state.fraction = 17;
  state.phase = Phase::prompt;
  EXPECT_THAT(render(state, kPlain), AllOf(HasSubstr("trial 4/4"), HasSubstr("100 %")));
  EXPECT_THAT(render(ProgressState{}, kPlain), HasSubstr("trial 1 0 layers"));
}

TEST(TrialLine, SaysSpeedOrClass) {
  EXPECT_EQ("30 layers: 29.1 ±0.3 tok/s", trial_line(tests::mission_run().results[3]));
  Trial hot = tests::mission_run().results[3];
  hot.mark(Disturbance::throttled);
  EXPECT_EQ("30 layers: 29.1 ±0.3 tok/s, throttled", trial_line(hot));
  EXPECT_EQ("8 layers: failed: crashed (load)", trial_line(tests::troubled_run().results[1]));
}

// ---- the writer

// What a terminal of one line shows after the bytes it got.
class OneLineTerminal {
 public:
  void take(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        kept_.push_back(trimmed());
        line_.clear();
        column_ = 0;
      } else if (c == '\r') {
        column_ = 0;
      } else {
        line_.resize(std::max(line_.size(), column_ + 1), ' ');
        line_[column_++] = c;
      }
    }
  }
  [[nodiscard]] std::string trimmed() const {
    return line_.substr(0, line_.find_last_not_of(' ') + 1);
  }
  [[nodiscard]] const std::vector<std::string>& kept() const { return kept_; }

 private:
  std::string line_;
  std::size_t column_ = 0;
  std::vector<std::string> kept_;
};

class ProgressWriter : public testing::Test {
 protected:
  Progress make(bool live) {
    return Progress(
        [this](std::string_view text) {
          ++calls_;
          terminal_.take(text);
        },
        live, {false, 80});
  }
  OneLineTerminal terminal_;
  int calls_ = 0;
};

TEST_F(ProgressWriter, RedrawsOneLineInPlaceAndTakesItAway) {
  Progress progress = make(true);
  ProgressState state = state_of(0, 4, 0, 0);
  state.phase = Phase::generation;
  progress.trial_started(state);
  EXPECT_THAT(terminal_.trimmed(), HasSubstr("measuring generation, 2 min 00 s left"));
  state.phase = Phase::load;
  progress.update(state);
  EXPECT_THAT(terminal_.trimmed(), testing::EndsWith("loading, 2 min 00 s left"));
  progress.trial_finished(state, tests::mission_run().results[2]);
  progress.finish();
  EXPECT_EQ("", terminal_.trimmed());
  EXPECT_TRUE(terminal_.kept().empty());
}

TEST_F(ProgressWriter, WritesNothingWhereNothingChanged) {
  Progress progress = make(true);
  progress.update(state_of(0, 4, 0, 0));
  progress.update(state_of(0, 4, 0, 0));
  EXPECT_EQ(1, calls_);
}

TEST_F(ProgressWriter, KeepsTheLiveLineBelowOtherLines) {
  Progress progress = make(true);
  progress.update(state_of(0, 4, 0, 0));
  progress.line("a notice");
  EXPECT_THAT(terminal_.kept(), ElementsAre("a notice"));
  EXPECT_THAT(terminal_.trimmed(), HasSubstr("trial 1/4"));
}

TEST_F(ProgressWriter, LeavesTheLastColumnFree) {
  Progress progress([this](std::string_view text) { terminal_.take(text); }, true, {false, 20});
  progress.update(state_of(0, 4, 0, 0));
  EXPECT_LE(display_width(terminal_.trimmed()), 19);
}

TEST_F(ProgressWriter, TakesTheLineAwayWhenItGoes) {
  { make(true).update(state_of(0, 4, 0, 0)); }
  EXPECT_EQ("", terminal_.trimmed());
}

TEST_F(ProgressWriter, WritesPlainLinesWhereThereIsNoTerminal) {
  Progress progress = make(false);
  const ProgressState state = state_of(1, 4, 10, 0);
  progress.trial_started(state);
  progress.update(state);
  progress.trial_finished(state, tests::mission_run().results[2]);
  progress.line("a notice");
  progress.finish();
  EXPECT_THAT(terminal_.kept(), ElementsAre("trial 2/4: 20 layers",
                                            "trial 2/4: 20 layers: 23.4 ±0.3 tok/s", "a notice"));
  EXPECT_EQ("", terminal_.trimmed());
}

}  // namespace
}  // namespace sweetspot::report
