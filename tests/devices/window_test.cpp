// What a window says of throttling, clocks, processes and power, sample by sample.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "devices/counter_delta.hpp"
#include "devices/held_times.hpp"
#include "devices/sampler.hpp"

namespace sweetspot::devices {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kWindowCard = "0000:01:00.0";

DeviceStatus status() {
  DeviceStatus status;
  status.pci_bus_id = std::string(kWindowCard);
  return status;
}

DeviceStatus with_counter(std::uint64_t held_ns) {
  DeviceStatus one = status();
  one.throttle_reasons = std::vector<std::string>{};
  one.counters.throttle = std::vector<ThrottleCounter>{{"thermal slowdown", held_ns}};
  return one;
}

DeviceStatus with_causes(std::vector<std::string> causes) {
  DeviceStatus one = status();
  one.throttle_reasons = std::move(causes);
  return one;
}

TEST(CounterDelta, CopesWithAWrapAndAReset) {
  EXPECT_EQ(counted(10, 25), 15U);
  EXPECT_EQ(counted(25, 25), 0U);
  EXPECT_EQ(counted((std::uint64_t{1} << 32U) - 5, 7), 12U) << "a counter of 32 bits";
  EXPECT_EQ(counted(1000, 7), std::nullopt) << "started again";
  EXPECT_EQ(counted(std::uint64_t{1} << 40U, 7), std::nullopt);
}

Snapshot look_at_link(double busy_percent, double generation) {
  Snapshot snapshot;
  DeviceStatus one = status();
  one.utilisation_percent = busy_percent;
  snapshot.devices = {one};
  snapshot.abilities[kWindowCard] = {Absence{"-"}, generation, 4.0};
  return snapshot;
}

TEST(Aggregate, ALinkIsJudgedByWhatItReachedUnderLoad) {
  const auto reached = [](const std::vector<Snapshot>& samples) {
    return aggregate(samples).at(kWindowCard).pcie_generation;
  };
  EXPECT_FALSE(reached({look_at_link(0, 1), look_at_link(10, 1)})) << "at rest it is low";
  EXPECT_EQ(reached({look_at_link(0, 4), look_at_link(90, 1)}), Reading<double>(1.0));
  EXPECT_EQ(reached({look_at_link(90, 1), look_at_link(95, 4)}), Reading<double>(4.0));
  Snapshot silent = look_at_link(90, 1);
  silent.abilities.clear();
  EXPECT_FALSE(reached({silent}));
}

TEST(HeldTimes, TakeTheDriversCounters) {
  HeldTimes held;
  held.add(1000, with_counter(50'000'000));
  held.add(1500, with_counter(150'000'000));
  held.add(3000, with_counter(850'000'000));
  EXPECT_EQ(held.observed_ms(), 2000);
  EXPECT_THAT(*held.times(), ElementsAre(ThrottleTime{"thermal slowdown", 800}));
}

TEST(HeldTimes, ACounterThatStandsStillHeldNothing) {
  HeldTimes held;
  for (const double at : {0.0, 100.0, 200.0}) held.add(at, with_counter(9'000'000'000));
  EXPECT_THAT(*held.times(), IsEmpty());
}

TEST(HeldTimes, ACounterThatStartsAgainKeepsWhatItCountsSince) {
  HeldTimes held;
  held.add(0, with_counter(100'000'000));
  held.add(500, with_counter(200'000'000));
  held.add(1000, with_counter(50'000'000));
  EXPECT_THAT(*held.times(), ElementsAre(ThrottleTime{"thermal slowdown", 150}));
}

TEST(HeldTimes, NoCauseHoldsLongerThanWasWatched) {
  HeldTimes held;
  held.add(0, with_counter(0));
  held.add(60, with_counter(100'000'000));
  EXPECT_THAT(*held.times(), ElementsAre(ThrottleTime{"thermal slowdown", 60}));
}

TEST(HeldTimes, WithoutACounterTheShareOfSamplesStands) {
  HeldTimes held;
  held.add(0, with_causes({"power cap"}));
  held.add(400, with_causes({"power cap", "hardware slowdown"}));
  held.add(800, with_causes({"power cap"}));
  held.add(1200, with_causes({}));
  EXPECT_THAT(*held.times(),
              ElementsAre(ThrottleTime{"power cap", 900}, ThrottleTime{"hardware slowdown", 300}));
}

TEST(HeldTimes, AreAbsentWhereTheDriverTellsNeither) {
  HeldTimes held;
  DeviceStatus silent = status();
  silent.throttle_reasons = Absence{"not supported on this device"};
  held.add(0, silent);
  EXPECT_EQ(held.times().reason(), "not supported on this device");
}

Snapshot at(double ms, DeviceStatus one) { return {ms, false, {std::move(one)}, {}}; }

TEST(Aggregate, KeepsTheLowestClockAndTheLimit) {
  DeviceStatus fast = status();
  fast.graphics_clock_mhz = 2500.0;
  fast.graphics_clock_limit_mhz = 3000.0;
  DeviceStatus slow = fast;
  slow.graphics_clock_mhz = 1500.0;
  const auto window = aggregate({at(0, fast), at(100, slow)});
  const Telemetry& telemetry = window.at(kWindowCard).telemetry;
  EXPECT_EQ(telemetry.graphics_clock_mhz, Reading<double>(2000.0));
  EXPECT_EQ(telemetry.graphics_clock_min_mhz, Reading<double>(1500.0));
  EXPECT_EQ(telemetry.graphics_clock_limit_mhz, Reading<double>(3000.0));
}

TEST(Aggregate, ProcessesAreMeansOverLooksThatToldOfAnybody) {
  DeviceStatus both = status();
  both.counters.processes = std::vector<ProcessUse>{{10, 60}, {11, 30}};
  DeviceStatus nothing_new = status();
  nothing_new.counters.processes = std::vector<ProcessUse>{};
  DeviceStatus ours = status();
  ours.counters.processes = std::vector<ProcessUse>{{10, 80}};
  const auto window = aggregate({at(0, both), at(100, nothing_new), at(200, ours)});
  const auto& processes = *window.at(kWindowCard).processes;
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_EQ(processes[0].percent, 70);
  EXPECT_EQ(processes[1].percent, 15);
}

TEST(Aggregate, KeepsEachReadingOfMemoryAndPower) {
  DeviceStatus first = status();
  first.power_w = 100.0;
  first.power_source = "power-average";
  first.counters.energy_mj = std::uint64_t{5000};
  first.memory_used_bytes = std::uint64_t{20};
  DeviceStatus second = first;
  second.counters.energy_mj = std::uint64_t{6000};
  second.memory_used_bytes = std::uint64_t{10};
  const DeviceWindow window = aggregate({at(50, first), at(150, second)}).at(kWindowCard);
  ASSERT_EQ(window.points.size(), 2U);
  EXPECT_EQ(window.points[1].at_ms, 150);
  EXPECT_EQ(window.points[1].energy_mj, Reading<std::uint64_t>(6000));
  EXPECT_EQ(window.points[1].memory_used_bytes, Reading<std::uint64_t>(10));
  EXPECT_EQ(window.points[1].power_source, "power-average");
  EXPECT_EQ(window.observed_ms, 100);
}

}  // namespace
}  // namespace sweetspot::devices
