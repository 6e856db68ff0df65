#include "worker/synth/tokenizer.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sweetspot::worker {
namespace {

TEST(SynthTokenizer, HasExactlyTheAskedForTokensAllDistinct) {
  for (const std::uint32_t vocab : {300U, 1000U, 32000U, 152000U}) {
    const SyntheticTokenizer tokenizer = make_tokenizer(vocab);
    ASSERT_EQ(tokenizer.tokens.size(), vocab);
    EXPECT_EQ(tokenizer.scores.size(), vocab);
    EXPECT_EQ(tokenizer.types.size(), vocab);
    // llama.cpp aborts on a duplicated token.
    const std::set<std::string> distinct(tokenizer.tokens.begin(), tokenizer.tokens.end());
    EXPECT_EQ(distinct.size(), vocab);
    EXPECT_FALSE(distinct.contains(""));
  }
}

TEST(SynthTokenizer, BeginsWithSpecialTokensAndEveryByte) {
  const SyntheticTokenizer tokenizer = make_tokenizer(300);
  EXPECT_EQ(tokenizer.tokens[tokenizer.unknown_id], "<unk>");
  EXPECT_EQ(tokenizer.tokens[tokenizer.bos_id], "<s>");
  EXPECT_EQ(tokenizer.tokens[tokenizer.eos_id], "</s>");
  EXPECT_EQ(tokenizer.tokens[3], "<0x00>");
  EXPECT_EQ(tokenizer.tokens[3 + 255], "<0xFF>");
  EXPECT_EQ(tokenizer.types[3 + 255], 6);
  EXPECT_EQ(tokenizer.types[3 + 256], 1);
}

}  // namespace
}  // namespace sweetspot::worker
