#include "app/checking.hpp"

#include "app/app_test.hpp"
#include "profiler/profiler.hpp"

namespace sweetspot::app {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class CheckingTest : public AppTest {
 protected:
  [[nodiscard]] CheckJob job(std::string profile = "auto") const {
    CheckJob job;
    job.model_path = model_path();
    job.wanted.profile = std::move(profile);
    return job;
  }
};

TEST_F(CheckingTest, TheChosenProfileIsMeasuredAsItWasThen) {
  ProfileSet set = measured_set();
  set.workload = {300, 60, 20};
  static_cast<void>(keep(set));
  const Result<CheckPlan> plan = plan_check(job(), workplace_);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->profile, set.profiles.front().name);
  EXPECT_EQ(plan->request.base.placement.n_gpu_layers,
            set.profiles.front().config.placement.n_gpu_layers);
  EXPECT_EQ(plan->request.workload, set.workload);
  EXPECT_EQ(plan->request.base.context.n_ctx, set.profiles.front().config.context.n_ctx);
  EXPECT_FALSE(plan->request.n_ctx_is_default);
}

TEST_F(CheckingTest, OfATuneThePromptIsMeasuredFirst) {
  ProfileSet set = measured_set();
  set.objective = Objective::generation;
  static_cast<void>(keep(set));
  EXPECT_FALSE(plan_check(job(), workplace_)->request.as_request);
  set.objective = Objective::request;
  static_cast<void>(keep(set));
  EXPECT_TRUE(plan_check(job(), workplace_)->request.as_request);
}

TEST_F(CheckingTest, AProfileByItsName) {
  const ProfileSet set = measured_set();
  static_cast<void>(keep(set));
  EXPECT_EQ(plan_check(job(set.profiles[1].name), workplace_)->profile, set.profiles[1].name);
  const auto unknown = plan_check(job("fastest"), workplace_);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::usage);
  EXPECT_THAT(unknown.error().remedy, HasSubstr(set.profiles[1].name));
}

// Another profile in its place would be measured for nothing.
TEST_F(CheckingTest, OneThatDoesNotFitNowIsSaidAndNotReplaced) {
  const ProfileSet set = measured_set();
  static_cast<void>(keep(set));
  script("", 3);
  const auto plan = plan_check(job(set.profiles.front().name), workplace_);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().kind, ErrorKind::nothing_measurable);
  EXPECT_THAT(plan.error().message, HasSubstr(set.profiles.front().name));
}

TEST_F(CheckingTest, WithoutAnythingMeasuredThereIsNothingToCheck) {
  const auto none = plan_check(job(), workplace_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::usage);
  EXPECT_THAT(none.error().message, HasSubstr("no measured profiles are kept"));
  ProfileSet planned = measured_set();
  planned.origin = Origin::planned;
  static_cast<void>(keep(planned));
  EXPECT_THAT(plan_check(job(), workplace_).error().message,
              HasSubstr("no measured profiles are kept"));
}

TEST_F(CheckingTest, WhatIsFoundIsAProfileOfTheSameName) {
  static_cast<void>(keep(measured_set()));
  const Result<CheckPlan> plan = plan_check(job(), workplace_);
  ASSERT_TRUE(plan) << plan.error().message;
  profiler::Request request = plan->request;
  request.max_seconds = 1;
  auto profiler = profiler::Profiler::open(std::move(request));
  ASSERT_TRUE(profiler) << profiler.error().message;
  const sweetspot::Run run =
      profiler->run_config(profiler->prepared().base_config, "check", {}).run;
  ASSERT_FALSE(run.results.empty());
  EXPECT_EQ(run.settings.mode, "check");
  EXPECT_FALSE(run.results.front().failure) << run.results.front().failure->message;
  const ProfileSet now = found_again(run, *plan, workplace_);
  ASSERT_THAT(now.profiles, SizeIs(1));
  EXPECT_EQ(now.profiles.front().name, plan->profile);
  EXPECT_TRUE(now.profiles.front().tokens_per_second);
}

}  // namespace
}  // namespace sweetspot::app
