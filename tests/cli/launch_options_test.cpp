#include "cli/launch_options.hpp"

#include <gtest/gtest.h>

#include "cli/launch_events.hpp"

namespace sweetspot::cli {
namespace {

TEST(CheckRpc, NamesTheFlagThatIsWrong) {
  LaunchOptions options;
  EXPECT_TRUE(check_rpc(options));
  options.rpc = {"127.0.0.1:50052", "nowhere"};
  EXPECT_NE(check_rpc(options).error().message.find("--rpc"), std::string::npos);
}

TEST(JobOf, TheLoadTimeComesFromTheFileUnlessSaid) {
  LaunchOptions options;
  EXPECT_DOUBLE_EQ(job_of(options, {}, 20'000'000).limits.load_seconds, 61);
  options.load_timeout_seconds = 5;
  EXPECT_DOUBLE_EQ(job_of(options, {}, 20'000'000).limits.load_seconds, 5);
  EXPECT_FALSE(job_of(options, {}, 0).adapt);
  options.adapt = true;
  EXPECT_TRUE(job_of(options, {}, 0).adapt);
}

TEST(FindProgram, LooksInPathAndTakesPathsAsTheyAre) {
  const auto shell = find_program({"sh", "-c", "{model}"});
  ASSERT_TRUE(shell);
  EXPECT_TRUE(shell->argv[0].starts_with("/"));
  EXPECT_TRUE(shell->argv[0].ends_with("/sh"));
  EXPECT_EQ(shell->kind, launch::ProgramKind::other);
  EXPECT_EQ(find_program({"/no/such/llama-server"}).error().kind, ErrorKind::usage);
  EXPECT_EQ(find_program({"no-such-program-at-all"}).error().kind, ErrorKind::usage);
}

TEST(LaunchEvents, AreJsonObjectsWithATime) {
  const Json json = to_json(launch::Healthy{"fast", 1.5, 0, ""});
  EXPECT_EQ(json["event"], "healthy");
  EXPECT_EQ(json["profile"], "fast");
  EXPECT_TRUE(json["depth_tokens"].is_null()) << "nobody asked is not 0";
  EXPECT_TRUE(json["doubt"].is_null());
  EXPECT_TRUE(json.contains("at"));
  EXPECT_EQ(to_json(launch::Moving{"a", "b", false})["why"], "memory-back");
  EXPECT_EQ(to_json(launch::Finished{3, std::nullopt})["exit_code"], 3);
}

}  // namespace
}  // namespace sweetspot::cli
