#include "cli/launch_options.hpp"

#include <gtest/gtest.h>

#include "cli/launch_events.hpp"

namespace sweetspot::cli {
namespace {

LaunchOptions with_a_shell() {
  LaunchOptions options;
  options.model_path = "model.gguf";
  options.command = {"sh", "-c", "{model}"};
  return options;
}

TEST(LaunchRequest, NamesTheFlagThatIsWrong) {
  LaunchOptions options = with_a_shell();
  EXPECT_TRUE(launch_request(options, Environment{}));
  options.rpc = {"127.0.0.1:50052", "nowhere"};
  EXPECT_NE(launch_request(options, Environment{}).error().message.find("--rpc"),
            std::string::npos);
}

TEST(LaunchRequest, HoldsWhatIsAsked) {
  LaunchOptions options = with_a_shell();
  auto request = launch_request(options, Environment{});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_DOUBLE_EQ(request->limits.load_seconds, 0) << "the file's size is not known here";
  EXPECT_FALSE(request->adapt);
  EXPECT_TRUE(request->probe);
  EXPECT_TRUE(request->keep_plan);
  EXPECT_EQ(request->host_program, HostProgram::libllama) << "nothing is known of a shell";
  options.load_timeout_seconds = 5;
  options.adapt = options.no_probe = options.dry_run = true;
  options.requirements.host_program = "llama-server";
  request = launch_request(options, Environment{});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_DOUBLE_EQ(request->limits.load_seconds, 5);
  EXPECT_TRUE(request->adapt);
  EXPECT_FALSE(request->probe);
  EXPECT_FALSE(request->keep_plan) << "a dry run leaves nothing behind";
  EXPECT_EQ(request->host_program, HostProgram::llama_server);
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
