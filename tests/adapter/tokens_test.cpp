#include "adapter/tokens.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sweetspot::adapter {
namespace {

TEST(Tokens, AreTheSameInEveryRunAndOfTheVocabulary) {
  const Tokens tokens(100, nullptr);
  const auto prompt = tokens.prompt(0, 1000);
  EXPECT_EQ(prompt, tokens.prompt(0, 1000));
  EXPECT_NE(prompt, tokens.prompt(1, 1000));
  const std::set<std::int32_t> seen(prompt.begin(), prompt.end());
  EXPECT_GT(seen.size(), 90U);
  EXPECT_GE(*seen.begin(), 0);
  EXPECT_LT(*seen.rbegin(), 100);
}

TEST(Tokens, ALongerPromptBeginsAsAShorterOne) {
  const Tokens tokens(32000, nullptr);
  const auto longer = tokens.prompt(3, 64);
  const auto shorter = tokens.prompt(3, 40);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

TEST(Tokens, VariantsShareOnlyTheirBeginning) {
  const Tokens tokens(32000, nullptr);
  const auto a = tokens.prompt(0, 40, 30, 0);
  const auto b = tokens.prompt(0, 40, 30, 1);
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 30, b.begin()));
  EXPECT_NE(a[30], b[30]);
}

TEST(Tokens, NoneIsForControl) {
  gguf::Array types;
  for (int i = 0; i < 100; ++i) types.integers.push_back(i < 30 ? 3 : 1);
  types.count = types.integers.size();
  const Tokens tokens(100, &types);
  for (const std::int32_t token : tokens.prompt(0, 500)) EXPECT_GE(token, 30);
}

}  // namespace
}  // namespace sweetspot::adapter
