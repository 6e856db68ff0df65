#include "app/launching.hpp"

#include <utility>

#include "app/app_test.hpp"
#include "app/program.hpp"

namespace sweetspot::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LaunchingTest : public AppTest {
 protected:
  LaunchingTest() {
    request_.model_path = model_path();
    request_.program = find_program({"sh", "-c", "exit 7", "{n_gpu_layers}"}, {}).value();
    request_.host_program = HostProgram::llama_server;
    request_.listen = {"127.0.0.1", 8080};
  }

  Launching launching() {
    request_.workplace = workplace_;
    return {request_, [this](const launch::Event& event) {
              if (const auto* warned = std::get_if<launch::Warned>(&event)) {
                notes_.push_back(warned->text);
              }
            }};
  }

  Error refusal() {
    Launching one = launching();
    const Status ready = one.prepare();
    return ready ? Error{ErrorKind::internal, "it was not refused", ""} : ready.error();
  }

  LaunchRequest request_;
  std::vector<std::string> notes_;
};

TEST(JobOf, TheLoadTimeComesFromTheFileUnlessSaid) {
  LaunchRequest request;
  EXPECT_DOUBLE_EQ(job_of(request, {}, 20'000'000).limits.load_seconds, 61);
  request.limits.load_seconds = 5;
  EXPECT_DOUBLE_EQ(job_of(request, {}, 20'000'000).limits.load_seconds, 5);
  EXPECT_FALSE(job_of(request, {}, 0).adapt);
  request.adapt = launch::AdaptRules{};
  EXPECT_TRUE(job_of(request, {}, 0).adapt);
}

TEST_F(LaunchingTest, TheProgramIsToldOfTheProfileThatFits) {
  (void)keep(measured_set());
  Launching one = launching();
  const Status ready = one.prepare();
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_EQ(one.command().back(), "33");
  EXPECT_THAT(one.reason(), HasSubstr("performance"));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(LaunchingTest, ItsExitCodeIsOursAndTheSetRemembersWhatHappened) {
  const std::string path = keep(measured_set());
  request_.wanted.profile = "cpu_fallback";
  Launching one = launching();
  ASSERT_TRUE(one.prepare());
  EXPECT_EQ(one.command().back(), "0");
  EXPECT_EQ(one.run(), 7);
  const ProfileSet after = store::load_profile_set(path).value();
  ASSERT_THAT(after.reports, testing::Not(IsEmpty()));
  EXPECT_EQ(after.reports.back().profile, "cpu_fallback");
  EXPECT_THAT(after.reports.back().loader.program, testing::EndsWith("sh"));
}

TEST_F(LaunchingTest, WithoutASetOneIsPlannedAndKept) {
  Launching one = launching();
  ASSERT_TRUE(one.prepare());
  EXPECT_THAT(notes_, Contains(HasSubstr("planned, not measured")));
  EXPECT_TRUE(std::filesystem::exists(workplace_.data_folder + "/profiles"));
}

TEST_F(LaunchingTest, ADryRunLeavesNoPlanBehind) {
  request_.keep_plan = false;
  Launching one = launching();
  ASSERT_TRUE(one.prepare());
  EXPECT_FALSE(std::filesystem::exists(workplace_.data_folder + "/profiles"));
}

TEST_F(LaunchingTest, WithoutAWorkerUsualValuesAreTaken) {
  workplace_.worker_program = "/no/such/worker";
  Launching one = launching();
  const Status ready = one.prepare();
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_THAT(notes_, Contains(HasSubstr("taking usual values, since no plan could be made: ")));
  EXPECT_THAT(notes_, Contains(HasSubstr("/no/such/worker")));
}

TEST_F(LaunchingTest, ANameThatTheSetLacksIsTheUsersFault) {
  (void)keep(measured_set());
  request_.wanted.profile = "superfast";
  const Error error = refusal();
  EXPECT_EQ(error.kind, ErrorKind::usage);
  EXPECT_THAT(error.message, HasSubstr("there is no profile 'superfast'"));
  EXPECT_THAT(error.remedy, HasSubstr("performance, balanced, fast, cpu_fallback"));
}

TEST_F(LaunchingTest, WhereNothingFitsNothingIsStarted) {
  ProfileSet set = measured_set();
  (void)keep(set);
  request_.wanted.min_ctx = request_.set.min_ctx = 1'000'000;
  EXPECT_EQ(refusal().kind, ErrorKind::nothing_measurable);
}

TEST_F(LaunchingTest, AProgramThatWouldNotLearnOfTheProfileIsRefused) {
  (void)keep(measured_set());
  request_.program.argv = {"/bin/sh"};
  EXPECT_EQ(refusal().kind, ErrorKind::usage);
}

TEST_F(LaunchingTest, AfterCtrlCNothingIsChosen) {
  (void)keep(measured_set());
  cancel_.cancel();
  EXPECT_EQ(refusal().kind, ErrorKind::interrupted);
}

TEST_F(LaunchingTest, AdaptingIsSaidToDoNothingWhereNoDriverTells) {
  (void)keep(measured_set());
  request_.adapt = launch::AdaptRules{};
  Launching one = launching();
  ASSERT_TRUE(one.prepare());
  EXPECT_EQ(one.run(), 7);
  EXPECT_THAT(notes_, Contains(HasSubstr("--adapt does nothing")));
}

}  // namespace
}  // namespace sweetspot::app
