#include "kernel/cpu_list.hpp"

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

}  // namespace
}  // namespace sweetspot::kernel
