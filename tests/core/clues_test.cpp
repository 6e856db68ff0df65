#include "core/clues.hpp"

#include <gtest/gtest.h>

namespace sweetspot {
namespace {

TEST(PlainWords, NothingOfTheCxxLibraryIsLeft) {
  EXPECT_EQ(
      plain_words("error loading model vocabulary: basic_string::substr: __pos (which is 3) > "
                  "this->size() (which is 1)"),
      "error loading model vocabulary: a value makes no sense there");
  EXPECT_EQ(plain_words("vector::_M_range_check: __n (which is 9) >= this->size() (which is 3)"),
            "a value makes no sense there");
  EXPECT_EQ(plain_words("key x: stoi"), "key x: a value makes no sense there");
  EXPECT_EQ(plain_words("bad: std::out_of_range"), "bad: a value makes no sense there");
}

TEST(PlainWords, WhatSaysSomethingStays) {
  for (const char* text :
       {"", "tensor 'blk.0.ffn_up.weight' has wrong shape", "unknown tokenizer: 'stoicism'",
        "llama-vocab.cpp:2678: GGML_ASSERT(n == std::max(a, b)) failed"}) {
    EXPECT_EQ(plain_words(text), text);
  }
}

TEST(LastWords, AnExceptionsTextIsPlain) {
  EXPECT_EQ(last_words("terminate called\n  what():  map::at\n"), "a value makes no sense there");
}

}  // namespace
}  // namespace sweetspot
