#include "adapter/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace sweetspot::adapter {
namespace {

using testing::HasSubstr;

TEST(Completion, ABodyAsksForGreedyTokensThatNoEndTokenEnds) {
  CompletionAsk ask;
  ask.tokens = {1, 5, 6};
  ask.n_predict = 33;
  ask.slot = 2;
  ask.keep_prefix = true;
  const auto body = nlohmann::json::parse(completion_body(ask));
  EXPECT_EQ(body["prompt"], nlohmann::json({1, 5, 6}));
  EXPECT_EQ(body["n_predict"], 33);
  EXPECT_EQ(body["id_slot"], 2);
  EXPECT_EQ(body["cache_prompt"], true);
  EXPECT_EQ(body["ignore_eos"], true);
  EXPECT_EQ(body["temperature"], 0);
  EXPECT_EQ(body["timings_per_token"], true);
  EXPECT_FALSE(body.contains("n_probs"));
  ask.stream = false;
  ask.forced = 42;
  ask.n_probs = 100;
  const auto whole = nlohmann::json::parse(completion_body(ask));
  EXPECT_FALSE(whole.contains("stream"));
  EXPECT_EQ(whole["n_probs"], 100);
  EXPECT_EQ(whole["logit_bias"], nlohmann::json::parse("[[42, 1000000.0]]"));
  EXPECT_FALSE(body.contains("logit_bias"));
}

TEST(Completion, EventsOfAStream) {
  const auto progress = parse_completion(
      R"({"content":"","stop":false,"id_slot":-1,"tokens_predicted":0,"prompt_progress":
          {"total":200,"cache":0,"processed":50,"time_ms":3}})");
  ASSERT_TRUE(progress);
  EXPECT_EQ(progress->progress, 0.25);
  const auto token = parse_completion(
      R"({"content":" kl","tokens":[855],"stop":false,"tokens_predicted":2,"timings":{"cache_n":3,
          "prompt_n":1,"prompt_ms":25.4,"predicted_n":2,"predicted_ms":7.83,
          "predicted_per_second":127.7}})");
  ASSERT_TRUE(token && token->timings);
  EXPECT_FALSE(token->last);
  EXPECT_EQ(token->timings->predicted_n, 2U);
  EXPECT_EQ(token->timings->predicted_ms, 7.83);
  const auto last = parse_completion(
      R"({"stop":true,"timings":{"prompt_n":4,"prompt_ms":312.4,"predicted_n":1,
          "predicted_ms":0.001,"predicted_per_second":null}})");
  ASSERT_TRUE(last && last->timings);
  EXPECT_TRUE(last->last);
  EXPECT_EQ(last->timings->prompt_ms, 312.4);
}

TEST(Completion, WhatMakesNoSense) {
  EXPECT_FALSE(parse_completion("no JSON"));
  EXPECT_FALSE(parse_completion("[1]"));
  const auto odd = parse_completion(R"({"stop":"yes","tokens_predicted":-4,"timings":7})");
  ASSERT_TRUE(odd);
  EXPECT_FALSE(odd->last);
  EXPECT_FALSE(odd->timings);
  EXPECT_EQ(odd->tokens_predicted, 0U);
}

TEST(Completion, ErrorsInAStreamAndInAnAnswer) {
  const auto event = parse_completion(R"({"error":{"code":500,"message":"Compute error."}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->error, "Compute error.");
  EXPECT_EQ(error_of(R"({"error":{"message":"too long","code":400}})"), "too long");
  EXPECT_EQ(error_of("Not Found"), "Not Found");
  EXPECT_THAT(error_of(R"({"error":{"no":1}})"), HasSubstr("no"));
}

TEST(Completion, LogarithmsOfProbabilities) {
  const auto tokens = parse_logprobs(
      R"({"completion_probabilities":[{"id":9,"logprob":-1.0,"top_logprobs":[
          {"id":9,"token":"a","logprob":-1.0},{"id":4,"token":"b","logprob":null}]}]})");
  ASSERT_TRUE(tokens);
  ASSERT_EQ(tokens->size(), 2U);
  EXPECT_EQ((*tokens)[0].id, 9);
  EXPECT_EQ((*tokens)[0].logprob, -1.0);
  EXPECT_TRUE(std::isnan((*tokens)[1].logprob)) << "what is not finite is written as null";
}

TEST(Completion, TokensOfAText) {
  EXPECT_EQ(parse_last_token(R"({"tokens":[1,263]})"), 263);
  EXPECT_EQ(parse_last_token(R"({"tokens":[]})"), std::nullopt);
  EXPECT_EQ(parse_last_token("[]"), std::nullopt);
}

// Before build 4364 probabilities come with texts, which do not say which token they are of.
TEST(Completion, OldServersRankTexts) {
  EXPECT_FALSE(parse_logprobs(
      R"({"completion_probabilities":[{"content":"a","probs":[{"tok_str":"a","prob":0.5}]}]})"));
  EXPECT_FALSE(parse_logprobs(R"({"content":"a"})"));
}

}  // namespace
}  // namespace sweetspot::adapter
