#include "cli/requirement_options.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sweetspot::cli {
namespace {

TEST(RequirementsOf, TakesWhatWasTyped) {
  RequirementOptions options;
  options.min_ctx = "4096";
  options.prefer = "memory";
  options.reserve = "1GiB";
  options.vram_percent = 60;
  const auto wanted = requirements_of(options);
  ASSERT_TRUE(wanted);
  EXPECT_EQ(wanted->profile, "auto");
  EXPECT_EQ(wanted->min_ctx, 4096U);
  EXPECT_EQ(wanted->prefer, profiles::Preference::memory);
  EXPECT_EQ(wanted->reserve_bytes, 1U << 30U);
  EXPECT_EQ(wanted->max_vram_percent, 60);
}

std::string fault_of(const RequirementOptions& options) {
  const auto wanted = requirements_of(options);
  return wanted ? std::string() : wanted.error().message;
}

TEST(RequirementsOf, NamesTheFlagThatIsWrong) {
  RequirementOptions options;
  options.reserve = "much";
  EXPECT_NE(fault_of(options).find("--reserve"), std::string::npos);
  options.reserve.clear();
  options.min_ctx = "long";
  EXPECT_NE(fault_of(options).find("--min-ctx"), std::string::npos);
  options.min_ctx.clear();
  options.vram_percent = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NE(fault_of(options).find("--vram-percent"), std::string::npos);
}

}  // namespace
}  // namespace sweetspot::cli
