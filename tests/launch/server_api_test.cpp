#include "launch/server_api.hpp"

#include <gtest/gtest.h>

namespace sweetspot::launch {
namespace {

TEST(ParseSlots, TakesWhatLlamaServerSays) {
  const auto slots =
      parse_slots(R"([{"id":0,"n_ctx":256,"speculative":false,"is_processing":false},)"
                  R"({"id":1,"n_ctx":256,"is_processing":true}])");
  ASSERT_TRUE(slots);
  ASSERT_EQ(slots->size(), 2U);
  EXPECT_EQ((*slots)[0].n_ctx, 256U);
  EXPECT_FALSE((*slots)[0].processing);
  EXPECT_TRUE((*slots)[1].processing);
}

TEST(ParseSlots, NothingOfAnythingElse) {
  EXPECT_FALSE(parse_slots(""));
  EXPECT_FALSE(parse_slots(R"({"error":{"code":501}})"));
  EXPECT_FALSE(parse_slots("[1]"));
  EXPECT_EQ((*parse_slots(R"([{"n_ctx":-4}])"))[0].n_ctx, 0U);
  EXPECT_EQ((*parse_slots(R"([{"n_ctx":4294967295}])"))[0].n_ctx, 0U) << "no context is so long";
}

TEST(ParseTokens, TakesAListOfNumbersOnly) {
  EXPECT_EQ(parse_tokens(R"({"tokens":[299,274]})"), (std::vector<std::int64_t>{299, 274}));
  EXPECT_FALSE(parse_tokens(R"({"tokens":["a"]})"));
  EXPECT_FALSE(parse_tokens(R"({"tokens":5})"));
  EXPECT_FALSE(parse_tokens("[]"));
}

TEST(ErrorText, IsEscaped) {
  EXPECT_EQ(error_text(R"({"error":{"code":400,"message":"too long"}})"), "too long");
  EXPECT_EQ(error_text(R"({"error":{"message":"a\u001bb"}})"), "a\\x1bb");
  EXPECT_EQ(error_text(R"({"error":5})"), "");
}

TEST(CompletionBody, HasAsManyTokensAsAsked) {
  const std::string body = completion_body({7, 8}, 5);
  EXPECT_NE(body.find("\"prompt\":[7,8,7,8,7]"), std::string::npos) << body;
  EXPECT_NE(body.find("\"cache_prompt\":false"), std::string::npos) << body;
}

TEST(TokensRead, OfWhatTheServerSays) {
  EXPECT_EQ(tokens_read(R"({"usage":{"prompt_tokens":12,"total_tokens":12}})"), 12U);
  EXPECT_EQ(tokens_read(R"({"usage":{"prompt_tokens":-1}})"), std::nullopt);
  EXPECT_EQ(tokens_read(R"({"usage":{"prompt_tokens":4294967296}})"), std::nullopt);
  EXPECT_EQ(tokens_read(R"([{"index":0}])"), std::nullopt);
}

TEST(InputBodies, AreWhatTheEndpointsTake) {
  EXPECT_EQ(embedding_body({7, 8}, 3), R"({"input":[7,8,7]})");
  EXPECT_EQ(plain_embedding_body({7, 8}, 3), R"({"content":[7,8,7]})");
  EXPECT_EQ(reranking_body("a", "b c"), R"({"query":"a","documents":["b c"]})");
}

}  // namespace
}  // namespace sweetspot::launch
