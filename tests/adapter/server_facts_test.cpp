#include "adapter/server_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::adapter {
namespace {

TEST(ServerFacts, Props) {
  const auto props = parse_props(
      R"({"default_generation_settings":{"n_ctx":256,"params":{}},"total_slots":2,"model_path":"m"})");
  ASSERT_TRUE(props);
  EXPECT_EQ(props->slots, 2U);
  EXPECT_EQ(props->n_ctx_slot, 256U);
  EXPECT_FALSE(parse_props(R"({"total_slots":2})"));
  EXPECT_FALSE(parse_props(R"({"default_generation_settings":{"n_ctx":-1},"total_slots":2})"));
  EXPECT_FALSE(parse_props("<html>"));
}

TEST(ServerFacts, Slots) {
  EXPECT_TRUE(any_slot_works(R"([{"is_processing":false},{"is_processing":true}])"));
  EXPECT_FALSE(any_slot_works(R"([{"is_processing":false},{"id":1}])"));
  EXPECT_FALSE(any_slot_works(R"({"error":1})"));
}

constexpr std::string_view kPortTaken =
    "0.00.217.972 I srv          init: using 6 threads for HTTP server\n"
    "0.00.218.126 E srv         start: couldn't bind HTTP server socket, port: 18181\n"
    "0.00.218.127 I srv    operator(): operator(): cleaning up before exit...\n"
    "0.00.227.539 E srv  llama_server: exiting due to HTTP server error\n";

TEST(ServerFacts, TheLineThatSaysWhyIsNotTheOneThatLeaves) {
  EXPECT_EQ(last_problem(kPortTaken),
            "srv         start: couldn't bind HTTP server socket, port: 18181");
  EXPECT_EQ(last_problem("main: loading\nerror: invalid argument: --nonsense\n"),
            "error: invalid argument: --nonsense");
  EXPECT_EQ(last_problem("only this\n\n"), "only this");
  EXPECT_EQ(last_problem(""), "");
}

TEST(ServerFacts, WhatWeAskedWithoutAKeyIsNoProblemOfIts) {
  const std::string log =
      "0.00.1 I srv  load_model: loaded\n0.00.2 W srv    operator(): unauthorized: Invalid API "
      "Key\n";
  EXPECT_EQ(last_problem(log), "srv  load_model: loaded");
  EXPECT_THAT(problem_lines(log), testing::IsEmpty());
}

TEST(ServerFacts, ProblemLines) {
  EXPECT_THAT(problem_lines(kPortTaken), testing::SizeIs(2));
  EXPECT_THAT(problem_lines("a: failed\nb: fine\nc: error\nd: unable\n", 2),
              testing::ElementsAre("c: error", "d: unable"));
}

}  // namespace
}  // namespace sweetspot::adapter
