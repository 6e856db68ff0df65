#include "devices/gpu_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

namespace sweetspot::devices {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string table(char format, char content, std::uint64_t mask) {
  std::string bytes(120, '\0');
  bytes[2] = format;
  bytes[3] = content;
  for (std::size_t i = 0; i < 8; ++i) bytes[112 + i] = static_cast<char>(mask >> (8 * i) & 0xFFU);
  return bytes;
}

std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }

TEST(GpuMetrics, NamesTheGroupsOfLimiters) {
  EXPECT_THAT(*active_limiters(table(1, 3, 0)), IsEmpty());
  EXPECT_THAT(*active_limiters(table(1, 3, bit(0))), ElementsAre("power cap"));
  EXPECT_THAT(*active_limiters(table(1, 3, bit(15) | bit(16))),
              ElementsAre("power cap", "current limit"));
  EXPECT_THAT(*active_limiters(table(1, 3, bit(36) | bit(55))), ElementsAre("thermal slowdown"));
  EXPECT_THAT(*active_limiters(table(1, 3, bit(31) | bit(57))),
              ElementsAre("current limit", "other limit"));
}

TEST(GpuMetrics, OtherTablesAreNotGuessedAt) {
  EXPECT_EQ(active_limiters(table(2, 2, bit(0))).reason(), "gpu_metrics 2.2 is not read");
  EXPECT_EQ(active_limiters(table(1, 1, bit(0))).reason(), "gpu_metrics 1.1 is not read");
  EXPECT_THAT(active_limiters(table(1, 3, 0).substr(0, 119)).reason(), HasSubstr("not read"));
  EXPECT_THAT(active_limiters("").reason(), HasSubstr("too short"));
  EXPECT_THAT(active_limiters(table(1, 3, ~std::uint64_t{0})).reason(), HasSubstr("does not tell"));
}

}  // namespace
}  // namespace sweetspot::devices
