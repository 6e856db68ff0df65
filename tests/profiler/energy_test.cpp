// Joules per token from counters that wrap, start again and stand still: R21.
#include "profiler/energy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::profiler {
namespace {

using devices::DeviceWindow;
using testing::HasSubstr;

constexpr double kStepMs = 100;

/// A device that draws `watts` for `ms`, its counter as `counter` makes it of the true total.
template <typename Counter>
DeviceWindow drawing(double watts, double ms, Counter counter) {
  DeviceWindow window;
  for (double at = 0; at <= ms; at += kStepMs) {
    const auto total = static_cast<std::uint64_t>(watts * at);  // W * ms = mJ
    window.points.push_back({at, Absence{"?"}, counter(total), watts + 1, "power-average"});
  }
  return window;
}

Reading<std::uint64_t> from_zero(std::uint64_t total) { return total; }
Reading<std::uint64_t> none(std::uint64_t /*total*/) { return Absence{"not supported"}; }

/// 20 ms per token.
std::vector<Sample> samples() { return {{0, 20, 1}, {20, 20, 1}, {40, 10, 1}, {60, 30, 1}}; }

Energy energy(const DeviceWindow& window, double ms = 1e9) {
  return energy_of({&window}, {0, ms}, samples());
}

void expect_joules(const Energy& energy, double joules, const char* source) {
  ASSERT_TRUE(energy.joules_per_token) << energy.joules_per_token.reason();
  EXPECT_NEAR(*energy.joules_per_token, joules, joules * 0.02);
  EXPECT_EQ(energy.source, source);
}

TEST(EnergyOf, TheCounterOverFiveSeconds) {
  expect_joules(energy(drawing(200, 6000, from_zero)), 4, "energy-counter");
}

TEST(EnergyOf, AWrapOf32BitsLosesNothing) {
  const auto wrapping = [](std::uint64_t total) -> Reading<std::uint64_t> {
    return (total + (std::uint64_t{1} << 32U) - 500'000) % (std::uint64_t{1} << 32U);
  };
  expect_joules(energy(drawing(200, 6000, wrapping)), 4, "energy-counter");
}

TEST(EnergyOf, ACounterThatStartsAgainLosesOneInterval) {
  const auto restarting = [](std::uint64_t total) -> Reading<std::uint64_t> {
    return total < 600'000 ? total + 77'000'000'000 : total - 600'000;
  };
  expect_joules(energy(drawing(200, 6000, restarting)), 4, "energy-counter");
}

TEST(EnergyOf, ShorterWorkIsIndicative) {
  expect_joules(energy(drawing(200, 4900, from_zero)), 4.02, "power-average");
  expect_joules(energy(drawing(200, 6000, none)), 4.02, "power-average");
}

TEST(EnergyOf, ACounterThatStandsStillOrRacesIsNotBelieved) {
  const auto still = [](std::uint64_t) -> Reading<std::uint64_t> { return std::uint64_t{5}; };
  expect_joules(energy(drawing(200, 6000, still)), 4.02, "power-average");
  const auto racing = [](std::uint64_t total) -> Reading<std::uint64_t> { return total * 1000; };
  expect_joules(energy(drawing(200, 6000, racing)), 4.02, "power-average");
}

TEST(EnergyOf, HalfASecondSaysNothing) {
  const Energy half = energy(drawing(200, 500, from_zero));
  EXPECT_EQ(half.joules_per_token.reason(), "0.5 s of samples say nothing of power");
  EXPECT_EQ(half.source, "");
}

TEST(EnergyOf, OnlyItsOwnSpanCounts) {
  DeviceWindow window = drawing(200, 6000, from_zero);
  const DeviceWindow rest = drawing(10, 6000, from_zero);
  for (auto point : rest.points) {
    point.at_ms += 6100;
    window.points.push_back(point);
  }
  expect_joules(energy(window, 6000), 4, "energy-counter");
  expect_joules(energy_of({&window}, {6100, 1e9}, samples()), 0.2, "energy-counter");
}

TEST(EnergyOf, SeveralDevicesAddUpAndTheLeastSureSourceIsNamed) {
  const DeviceWindow counted = drawing(200, 6000, from_zero);
  const DeviceWindow averaged = drawing(99, 6000, none);
  expect_joules(energy_of({&counted, &averaged}, {0, 1e9}, samples()), 6, "power-average");
  expect_joules(energy_of({&averaged, &counted}, {0, 1e9}, samples()), 6, "power-average");
}

TEST(EnergyOf, AbsentWithTheReason) {
  EXPECT_THAT(energy_of({}, {0, 1}, samples()).joules_per_token.reason(), HasSubstr("no device"));
  DeviceWindow mute;
  mute.points.push_back(
      {0, Absence{"?"}, Absence{"?"}, Absence{"not supported on this device"}, ""});
  EXPECT_EQ(energy(mute).joules_per_token.reason(), "not supported on this device");
  EXPECT_THAT(energy(DeviceWindow{}).joules_per_token.reason(), HasSubstr("no sample"));
}

}  // namespace
}  // namespace sweetspot::profiler
