#include "kernel/lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::kernel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(CpuList, RangesAndSingleOnes) {
  EXPECT_THAT(cpu_list("0"), ElementsAre(0));
  EXPECT_THAT(cpu_list("0-3,8"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(cpu_list("8,0-1,1"), ElementsAre(0, 1, 8));
}

TEST(CpuList, AnythingElseIsNone) {
  for (const char* text : {"", "x", "1-", "-1", "3-1", "0-99999999999", "1,,2", "1 2"}) {
    EXPECT_THAT(cpu_list(text), IsEmpty()) << text;
  }
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
  for (const char* text : {"", "-1", "max", "1.5", "1 "}) EXPECT_FALSE(number_of(text)) << text;
}

}  // namespace
}  // namespace sweetspot::kernel
