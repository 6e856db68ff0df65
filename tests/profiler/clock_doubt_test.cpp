#include "profiler/clock_doubt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiler/link_doubt.hpp"

namespace sweetspot::profiler {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Telemetry busy_at(double clock_mhz) {
  Telemetry telemetry;
  telemetry.utilisation_percent = 98.0;
  telemetry.graphics_clock_mhz = clock_mhz;
  telemetry.graphics_clock_limit_mhz = 2505.0;
  telemetry.throttle_reasons = std::vector<std::string>{};
  return telemetry;
}

TEST(ClockDoubt, OfACardThatIsStuckAtItsIdleClock) {
  const auto doubt = clock_doubt(busy_at(210));
  ASSERT_TRUE(doubt);
  EXPECT_THAT(*doubt, AllOf(HasSubstr("210 of 2505 MHz"), HasSubstr("neither heat nor power"),
                            HasSubstr("nvidia-smi -rgc")));
}

TEST(LinkDoubt, OfALinkThatNeverReachedItsGeneration) {
  devices::DeviceWindow window;
  EXPECT_FALSE(link_doubt(window));
  window.pcie_generation = 1.0;
  window.pcie_generation_max = 4.0;
  const auto doubt = link_doubt(window);
  ASSERT_TRUE(doubt);
  EXPECT_THAT(*doubt, AllOf(HasSubstr("PCIe 1 of 4"), HasSubstr("riser")));
  window.pcie_generation = 4.0;
  EXPECT_FALSE(link_doubt(window));
}

TEST(ClockDoubt, IsNoneNearTheLimitOrWithoutWork) {
  EXPECT_FALSE(clock_doubt(busy_at(2400)));
  Telemetry idle = busy_at(210);
  idle.utilisation_percent = 3.0;
  EXPECT_FALSE(clock_doubt(idle));
}

// That is a disturbance, which is said elsewhere.
TEST(ClockDoubt, IsNoneWhereTheDriverNamesTheCause) {
  Telemetry hot = busy_at(210);
  hot.throttle_reasons = std::vector<std::string>{"hardware thermal slowdown"};
  ASSERT_TRUE(clock_doubt(busy_at(210)));
  EXPECT_FALSE(clock_doubt(hot));
}

TEST(ClockDoubt, IsNoneWhereNobodyTells) {
  Telemetry unknown = busy_at(210);
  unknown.graphics_clock_limit_mhz = Absence{"not supported"};
  EXPECT_FALSE(clock_doubt(unknown));
  Telemetry silent = busy_at(210);
  silent.throttle_reasons = Absence{"not supported"};
  EXPECT_THAT(*clock_doubt(silent), HasSubstr("does not say why"));
}

}  // namespace
}  // namespace sweetspot::profiler
