#include "ground/pieces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Trimmed, LosesTheBlanksAtBothEnds) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\" a \"", "\""), " a ");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("a,", ','), ElementsAre("a", ""));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Lines, HaveNoEnds) {
  EXPECT_THAT(lines_of("a\n\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(lines_of("a"), ElementsAre("a"));
  EXPECT_THAT(lines_of(""), IsEmpty());
}

TEST(Words, StandBetweenBlanks) {
  EXPECT_THAT(words_of("  a \t b"), ElementsAre("a", "b"));
  EXPECT_THAT(words_of(" "), IsEmpty());
}

TEST(Number, IsWhole) {
  EXPECT_EQ(number_of("12"), 12U);
  for (const char* text : {"", "-1", "max", "1.5", "1 ", " 1", "18446744073709551616"}) {
    EXPECT_FALSE(number_of(text)) << text;
  }
}

TEST(Number, FitsItsType) {
  EXPECT_EQ(number_of<int>("-7"), -7);
  EXPECT_FALSE(number_of<int>("2147483648"));
  EXPECT_EQ(hex_number_of<std::uint32_t>("ff"), 255U);
  EXPECT_FALSE(hex_number_of("0xff"));
  EXPECT_FALSE(hex_number_of<std::uint8_t>("100"));
  EXPECT_EQ(number_of<double>("0.25"), 0.25);
  EXPECT_FALSE(number_of<double>("0.25 "));
}

}  // namespace
}  // namespace sweetspot
