// Counters of energy, throttling and processes' work as NVML keeps them: R7, R9, R21.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_nvml_machine.hpp"

namespace sweetspot::devices {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

NvmlOptions without(std::string symbol) {
  NvmlOptions options;
  options.symbol_filter = [symbol = std::move(symbol)](std::string_view asked) {
    return asked != symbol;
  };
  return options;
}

DeviceStatus read_counters(FakeNvmlMachine& machine, NvmlOptions options = {}) {
  auto source = machine.open(std::move(options));
  if (!source) {
    ADD_FAILURE() << source.error();
    return {};
  }
  return (*source)->read().at(0);
}

std::vector<std::string> causes(const DeviceStatus& status) {
  std::vector<std::string> names;
  for (const ThrottleCounter& counter : status.counters.throttle.value_or({})) {
    names.push_back(counter.reason + " " + std::to_string(counter.held_ns));
  }
  return names;
}

TEST(NvmlCounters, TimePerCauseComesFromTheFields) {
  json gpu = healthy_gpu();
  gpu["held_ns"] = {{"power", 5'000'000'000}, {"thermal", 7}};
  FakeNvmlMachine machine(gpu);
  EXPECT_THAT(causes(read_counters(machine)),
              ElementsAre("power cap 5000000000", "thermal slowdown 7"));
}

TEST(NvmlCounters, AnOldDriverIsAskedInTheOldWay) {
  json gpu = healthy_gpu();
  gpu["violation_ns"] = {{"power", 1}, {"thermal", 2}, {"board", 3}, {"reliability", 4}};
  FakeNvmlMachine machine(gpu);
  for (const DeviceStatus& status :
       {read_counters(machine), read_counters(machine, without("nvmlDeviceGetFieldValues"))}) {
    EXPECT_THAT(causes(status), ElementsAre("power cap 1", "thermal slowdown 2", "board limit 3",
                                            "reliability limit 4"));
  }
}

TEST(NvmlCounters, WithNeitherTheReasonIsTheFields) {
  FakeNvmlMachine machine(healthy_gpu());
  EXPECT_EQ(read_counters(machine).counters.throttle.reason(),
            "the driver counts no time of throttling");
  EXPECT_THAT(
      read_counters(machine, without("nvmlDeviceGetFieldValues")).counters.throttle.reason(),
      HasSubstr("nvmlDeviceGetFieldValues"));
}

TEST(NvmlCounters, EnergyAndTheClockLimitAreReadOrAbsent) {
  json gpu = healthy_gpu();
  gpu["energy_mj"] = 123456789012;
  gpu["graphics_max_mhz"] = 3105;
  FakeNvmlMachine machine(gpu);
  const DeviceStatus status = read_counters(machine);
  EXPECT_EQ(status.counters.energy_mj, Reading<std::uint64_t>(123456789012));
  EXPECT_EQ(status.graphics_clock_limit_mhz, Reading<double>(3105.0));
  FakeNvmlMachine silent(healthy_gpu());
  EXPECT_THAT(read_counters(silent).counters.energy_mj.reason(), HasSubstr("not supported"));
  EXPECT_THAT(read_counters(silent).graphics_clock_limit_mhz.reason(), HasSubstr("not supported"));
}

TEST(NvmlCounters, PowerSaysWhichQuantityItIs) {
  FakeNvmlMachine usage(healthy_gpu());
  EXPECT_EQ(read_counters(usage).power_source, "power-usage");
  json gpu = healthy_gpu();
  gpu["power_instant_mw"] = 90000;
  FakeNvmlMachine instant(gpu);
  EXPECT_EQ(read_counters(instant).power_source, "power-instant");
  EXPECT_EQ(read_counters(instant).power_w, Reading<double>(90.0));
  gpu["power_field_mw"] = 80000;
  FakeNvmlMachine average(gpu);
  EXPECT_EQ(read_counters(average).power_source, "power-average");
  EXPECT_EQ(read_counters(average).power_w, Reading<double>(80.0));
}

TEST(NvmlCounters, WorkOfProcessesIsAskedForOnceOnly) {
  json gpu = healthy_gpu();
  gpu["processes"] = {{{{"pid", 10}, {"sm", 80}, {"time_us", 500}},
                       {{"pid", 11}, {"sm", 4294967295}, {"time_us", 500}}},
                      {{{"pid", 10}, {"sm", 80}, {"time_us", 500}}},
                      {{{"pid", 12}, {"sm", 5}, {"time_us", 700}}}};
  FakeNvmlMachine machine(gpu);
  auto source = machine.open();
  ASSERT_TRUE(source);
  const auto first = (*source)->read()[0].counters.processes;
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 1U) << "655 % and the like are no share";
  EXPECT_EQ(first->front().pid, 10);
  EXPECT_EQ(first->front().percent, 80);
  EXPECT_THAT(*(*source)->read()[0].counters.processes, IsEmpty()) << "seen already";
  EXPECT_EQ((*source)->read()[0].counters.processes->front().pid, 12);
}

}  // namespace
}  // namespace sweetspot::devices
