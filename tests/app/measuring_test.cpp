// What a measuring command does from the request on, and with which error it ends.
#include "app/measuring.hpp"

#include "app/app_test.hpp"
#include "app/connection.hpp"

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

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
  EXPECT_TRUE(conclude_run(outcome_of({{2.37, 0.1, 7.46}, {10, 9.9, 10.1}}), "run.json"));
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
  EXPECT_THAT(code.error().message, HasSubstr("no configuration could be measured: full"))
      << "no row of the screen says why";
  outcome.run.results.emplace_back().failure =
      Failure{FailureClass::crashed, Phase::load, "gone", {}, {}};
  const auto several = conclude_run(outcome, "run.json");
  ASSERT_FALSE(several);
  EXPECT_THAT(several.error().remedy, HasSubstr("--details"));
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

TEST(ConcludeRun, WhatCouldNotBeSavedComesFirst) {
  profiler::RunOutcome outcome = outcome_of({{10, 9.9, 10.1}});
  outcome.interrupted = outcome.device_stuck = true;
  EXPECT_EQ(conclude_run(outcome, "run.json").error().message,
            "interrupted; 1 measured configuration is kept in run.json");
  outcome.interrupted = false;
  EXPECT_EQ(conclude_run(outcome, "run.json").error().kind, ErrorKind::device);
  outcome.save_error = Error{ErrorKind::output, "the disk is full", ""};
  EXPECT_EQ(conclude_run(outcome, "run.json").error().message, "the disk is full");
}

class MeasureTest : public AppTest {
 protected:
  MeasureTest() {
    job_.request.model_path = model_path();
    job_.request.max_seconds = 1;
    job_.request.output_path = folder_ + "/run.json";
    job_.request.start = start_options(workplace_).value();
    job_.request.sources = [] { return devices::Sources{}; };
    steps_.on_prepared = [this](const sweetspot::Run& prepared) {
      seen_.push_back("prepared " + prepared.model.path);
    };
    steps_.measure = [this](profiler::Profiler& profiler) {
      seen_.emplace_back("measure");
      return Result<profiler::RunOutcome>(profiler.run({0}, "custom", {}));
    };
    steps_.on_measured = [this](const sweetspot::Run& run) {
      seen_.push_back("measured " + std::to_string(run.results.size()));
    };
    steps_.on_saved = [this](const std::string& path) { seen_.push_back("saved " + path); };
    steps_.on_set_kept = [this](const SetKept& kept) { seen_.push_back(sentence(kept)); };
  }

  MeasuringJob job_;
  MeasuringSteps steps_;
  std::vector<std::string> seen_;
};

TEST_F(MeasureTest, TheStepsComeInTheirOrder) {
  const Status done = measure(job_, steps_, workplace_);
  ASSERT_TRUE(done) << done.error().message;
  // No layer beside a device, and the CPU alone.
  EXPECT_THAT(seen_, ElementsAre(StartsWith("prepared "), "measure", "measured 2",
                                 StartsWith("profiles: " + workplace_.data_folder),
                                 "saved " + folder_ + "/run.json"));
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/run.json"));
}

TEST_F(MeasureTest, AFileThatCannotBeWrittenIsSaidBeforeAnythingStarts) {
  job_.request.output_path = folder_ + "/none/run.json";
  EXPECT_EQ(measure(job_, steps_, workplace_).error().kind, ErrorKind::output);
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(MeasureTest, WhatTheCallerRefusesEndsIt) {
  steps_.measure = [](profiler::Profiler& profiler) -> Result<profiler::RunOutcome> {
    EXPECT_EQ(profiler.offloadable_layers(), 23);
    return error(ErrorKind::interrupted, "not today");
  };
  EXPECT_EQ(measure(job_, steps_, workplace_).error().message, "not today");
  EXPECT_THAT(seen_, ElementsAre(StartsWith("prepared ")));
}

TEST_F(MeasureTest, ASetThatNobodyWantsIsNotMade) {
  job_.keep = false;
  ASSERT_TRUE(measure(job_, steps_, workplace_));
  EXPECT_THAT(seen_.back(), StartsWith("saved "));
  EXPECT_FALSE(std::filesystem::exists(workplace_.data_folder));
}

TEST_F(MeasureTest, WhatWasMeasuredIsShownAndKeptWhereNothingSucceeded) {
  script(R"({"at": "load", "do": "exit", "code": 3})");
  job_.request.start = start_options(workplace_).value();
  EXPECT_EQ(measure(job_, steps_, workplace_).error().kind, ErrorKind::nothing_measurable);
  EXPECT_THAT(seen_, ElementsAre(StartsWith("prepared "), "measure", "measured 2",
                                 StartsWith("profiles are not kept: "), StartsWith("saved ")));
}

TEST_F(MeasureTest, WithoutAPathTheRunLiesInTheDataFolderUnderTheModelsName) {
  job_.request.output_path.clear();
  EXPECT_TRUE(measure(job_, steps_, workplace_));
  EXPECT_THAT(seen_.back(), StartsWith("saved " + workplace_.data_folder + "/runs/model-"));
}

}  // namespace
}  // namespace sweetspot::app
