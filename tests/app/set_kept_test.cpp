#include "app/set_kept.hpp"

#include "app/app_test.hpp"
#include "app/connection.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SetKeptTest : public AppTest {
 protected:
  // Two layer counts of the scripted model, measured.
  sweetspot::Run measured_run() {
    profiler::Request request;
    request.model_path = model_path();
    request.max_seconds = 1;
    request.start = start();
    request.sources = [] { return devices::Sources{}; };
    auto profiler = profiler::Profiler::open(std::move(request));
    if (!profiler) {
      ADD_FAILURE() << profiler.error().message;
      return {};
    }
    return profiler->run({0, -1}, "custom", {}).run;
  }

  engine::StartOptions start() { return start_options(workplace_).value(); }

  SetKept keep_run(const sweetspot::Run& run) {
    return keep_set_of(run, model_path(), start(), workplace_);
  }
};

TEST_F(SetKeptTest, TheProfilesOfARunLieInTheDataFolder) {
  const SetKept kept = keep_run(measured_run());
  EXPECT_EQ(kept.what, SetKept::What::kept);
  EXPECT_THAT(kept.path, StartsWith(workplace_.data_folder));
  EXPECT_EQ(sentence(kept), "profiles: " + kept.path);
  const auto set = store::load_profile_set(kept.path);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->model, key());
  EXPECT_EQ(set->origin, Origin::measured);
}

TEST_F(SetKeptTest, WhatAnInterruptedRunSaysReplacesNoWholeOne) {
  sweetspot::Run whole = measured_run();
  whole.settings.complete = true;
  ASSERT_EQ(keep_run(whole).what, SetKept::What::kept);
  sweetspot::Run cut_short = whole;
  cut_short.settings.complete = false;
  const SetKept kept = keep_run(cut_short);
  EXPECT_EQ(kept.what, SetKept::What::older_stays);
  EXPECT_THAT(sentence(kept), StartsWith("profiles: those of an earlier one are kept, since "));
  EXPECT_THAT(sentence(kept), HasSubstr(kept.path));
}

TEST_F(SetKeptTest, WithoutAFolderThereIsNowhereToKeepThem) {
  workplace_.data_folder.clear();
  const SetKept kept = keep_run(sweetspot::Run{});
  EXPECT_EQ(kept.what, SetKept::What::nowhere);
  EXPECT_THAT(sentence(kept), StartsWith("profiles are not kept: there is no folder"));
}

TEST_F(SetKeptTest, AModelThatGeneratesIsNotKeptAsOneThatReads) {
  sweetspot::Run reads;
  reads.workload.n_gen = 0;
  reads.model.kind = ModelKind::decoder;
  EXPECT_THAT(sentence(keep_run(reads)), HasSubstr("the model generates"));
}

TEST_F(SetKeptTest, AModelThatIsGoneIsSaid) {
  const sweetspot::Run measured = measured_run();
  std::filesystem::remove(model_path());
  EXPECT_THAT(sentence(keep_run(measured)), HasSubstr("model.gguf"));
}

}  // namespace
}  // namespace sweetspot::app
