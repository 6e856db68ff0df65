// What disturbed a measurement, table by table: R7, R9, R20.
#include "profiler/disturbance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;

constexpr const char* kId = "0000:01:00.0";
constexpr std::int64_t kWorker = 4711;

devices::DeviceWindow quiet(double observed_ms = 10000) {
  devices::DeviceWindow window;
  window.observed_ms = observed_ms;
  window.telemetry.throttle_times = std::vector<ThrottleTime>{};
  window.memory_total_bytes = 8 * kGiB;
  return window;
}

/// Memory in use, one sample a second from 0 on.
std::vector<devices::SamplePoint> using_memory(const std::vector<std::uint64_t>& bytes) {
  std::vector<devices::SamplePoint> points;
  for (const std::uint64_t used : bytes) {
    points.push_back({1e3 * static_cast<double>(points.size()), used, {}, {}, ""});
  }
  return points;
}

Evidence evidence(devices::DeviceWindow window) {
  Evidence evidence;
  evidence.pci_bus_ids = {kId};
  evidence.worker_pid = kWorker;
  evidence.window = {{kId, std::move(window)}};
  evidence.steady = {{0, 10000}};
  return evidence;
}

/// "", "throttled", "contended" or both.
std::string kinds_in(const Evidence& seen) {
  std::string words;
  for (const Finding& finding : disturbances_in(seen)) {
    words += (words.empty() ? "" : " ") + std::string(to_string(finding.what));
  }
  return words;
}

// ---- R9
// -----------------------------------------------------------------------------------------

struct Throttle {
  const char* reason;
  double ms;
  double observed_ms;
  const char* kinds;
  bool passes;
};

class Throttling : public testing::TestWithParam<Throttle> {};

TEST_P(Throttling, CountsFromItsThresholdOn) {
  const Throttle& given = GetParam();
  devices::DeviceWindow window = quiet(given.observed_ms);
  window.telemetry.throttle_times = std::vector<ThrottleTime>{{given.reason, given.ms}};
  const auto findings = disturbances_in(evidence(window));
  EXPECT_EQ(kinds_in(evidence(window)), given.kinds);
  if (!findings.empty()) {
    EXPECT_EQ(findings[0].passes, given.passes);
  }
}

INSTANTIATE_TEST_SUITE_P(
    R9, Throttling,
    testing::Values(Throttle{"thermal slowdown", 500, 10000, "throttled", true},
                    Throttle{"thermal slowdown", 499, 10000, "", false},
                    Throttle{"hardware slowdown", 100, 1000, "throttled", true},
                    Throttle{"power brake", 99, 1000, "", false},
                    Throttle{"power cap", 9000, 10000, "throttled", false},
                    Throttle{"board limit", 9000, 10000, "throttled", true},
                    Throttle{"sync boost", 9000, 10000, "", false},
                    Throttle{"display clock", 9000, 10000, "", false},
                    Throttle{"unknown reason 0x8000", 9000, 10000, "", false}));

TEST(DisturbancesIn, SaysHowLongEachCauseHeldAndWhatItDidToTheClock) {
  devices::DeviceWindow window = quiet();
  window.telemetry.throttle_times =
      std::vector<ThrottleTime>{{"power cap", 4000}, {"thermal slowdown", 600}, {"power brake", 1}};
  window.telemetry.graphics_clock_mhz = 1500.0;
  window.telemetry.graphics_clock_limit_mhz = 3000.0;
  const auto findings = disturbances_in(evidence(window));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].why,
            "power cap for 4.0 of 10.0 s, thermal slowdown for 0.6 of 10.0 s, clock at 50 % of its "
            "maximum");
  EXPECT_TRUE(findings[0].passes) << "the heat can go";
}

// ---- R7
// -----------------------------------------------------------------------------------------

struct Memory {
  std::uint64_t total, first, lowest, highest;
  const char* kinds;
};

class ForeignMemory : public testing::TestWithParam<Memory> {};

TEST_P(ForeignMemory, CountsWhereItMovedByMoreThanTheLargerThreshold) {
  const Memory& given = GetParam();
  devices::DeviceWindow window = quiet();
  window.memory_total_bytes = given.total;
  window.points = using_memory({given.first, given.lowest, given.highest, given.first});
  EXPECT_EQ(kinds_in(evidence(window)), given.kinds);
}

INSTANTIATE_TEST_SUITE_P(
    R7, ForeignMemory,
    testing::Values(Memory{8 * kGiB, 3 * kGiB, 3 * kGiB, 5 * kGiB, "contended"},
                    Memory{8 * kGiB, 3 * kGiB, kGiB, 3 * kGiB, "contended"},
                    Memory{8 * kGiB, 3 * kGiB, 3 * kGiB, 3 * kGiB + 256 * kMiB, ""},
                    Memory{8 * kGiB, 3 * kGiB, 3 * kGiB, 3 * kGiB + 257 * kMiB, "contended"},
                    // 2 % of a large card is more than 256 MiB.
                    Memory{80 * kGiB, 3 * kGiB, 3 * kGiB, 4 * kGiB, ""},
                    Memory{80 * kGiB, 3 * kGiB, 3 * kGiB, 5 * kGiB, "contended"}));

TEST(DisturbancesIn, OurOwnPoolsMayGrowBetweenTheSpans) {
  devices::DeviceWindow window = quiet();
  window.points = using_memory({3 * kGiB, 3 * kGiB, 5 * kGiB, 5 * kGiB});
  Evidence seen = evidence(window);
  seen.steady = {{0, 1500}, {1800, 3000}};
  EXPECT_EQ(kinds_in(seen), "") << "it rose when the first prompt came";
  seen.steady = {{0, 1500}, {1000, 3000}};
  EXPECT_EQ(kinds_in(seen), "contended");
  seen.steady.clear();
  EXPECT_EQ(kinds_in(seen), "");
}

TEST(DisturbancesIn, OthersInTheDriversListOfProcesses) {
  devices::DeviceWindow window = quiet();
  window.processes = std::vector<ProcessUse>{{kWorker, 80}, {1, 6}, {2, 3.9}};
  EXPECT_EQ(kinds_in(evidence(window)), "") << "9.9 %";
  window.processes = std::vector<ProcessUse>{{kWorker, 80}, {1, 6}, {2, 4}};
  EXPECT_EQ(kinds_in(evidence(window)), "contended");
  EXPECT_TRUE(knows_processes(evidence(window)));
}

TEST(DisturbancesIn, AListWithoutOurWorkerSpeaksOfAnotherNamespace) {
  devices::DeviceWindow window = quiet();
  window.processes = std::vector<ProcessUse>{{90001, 95}};
  EXPECT_EQ(kinds_in(evidence(window)), "") << "it may well be ours";
  EXPECT_FALSE(knows_processes(evidence(window)));
}

TEST(DisturbancesIn, ABusyDeviceWhileOurWorkerIsIdle) {
  Evidence seen = evidence(quiet());
  seen.before.percent = 9.9;
  seen.after.percent = 0.0;
  EXPECT_EQ(kinds_in(seen), "");
  seen.after.percent = 10.0;
  EXPECT_EQ(kinds_in(seen), "contended");
  EXPECT_THAT(disturbances_in(seen)[0].why, HasSubstr("after"));
  seen.before.percent = 60.0;
  ASSERT_EQ(disturbances_in(seen).size(), 1U) << "once is enough";
  EXPECT_EQ(disturbances_in(seen)[0].why, "60 % busy before measuring");
}

TEST(DisturbancesIn, WhatCannotBeReadIsHeldAgainstNobody) {
  EXPECT_EQ(kinds_in(evidence(devices::DeviceWindow{})), "");
  Evidence elsewhere = evidence(quiet());
  elsewhere.window.clear();
  EXPECT_EQ(kinds_in(elsewhere), "");
  EXPECT_EQ(kinds_in({}), "");
}

TEST(DisturbancesIn, BothKindsCanBe) {
  devices::DeviceWindow window = quiet();
  window.telemetry.throttle_times = std::vector<ThrottleTime>{{"thermal slowdown", 9000}};
  window.points = using_memory({3 * kGiB, 6 * kGiB});
  EXPECT_EQ(kinds_in(evidence(window)), "throttled contended");
}

TEST(UtilisationOf, IsTheBusiestAndAbsentWhereOneIs) {
  DeviceStatus idle;
  idle.pci_bus_id = std::string(kId);
  idle.utilisation_percent = 3.0;
  DeviceStatus busy = idle;
  busy.pci_bus_id = std::string("0000:02:00.0");
  busy.utilisation_percent = 70.0;
  const devices::Snapshot snapshot{1, false, {idle, busy}, {}};
  EXPECT_EQ(utilisation_of(snapshot, {kId}), Reading<double>(3.0));
  EXPECT_EQ(utilisation_of(snapshot, {kId, "0000:02:00.0"}), Reading<double>(70.0));
  EXPECT_FALSE(utilisation_of(snapshot, {"0000:09:00.0"}));
  busy.utilisation_percent = Absence{"not supported"};
  EXPECT_FALSE(utilisation_of({1, false, {idle, busy}, {}}, {kId, "0000:02:00.0"}));
}

// ---- R20
// ----------------------------------------------------------------------------------------

struct Spill {
  std::uint64_t used_peak, gtt_before, gtt_peak, host_private;
  bool spilled;
};

class SpillOf : public testing::TestWithParam<Spill> {};

TEST_P(SpillOf, NeedsAFullDeviceAndMoreThanHostBuffersExplain) {
  const Spill& given = GetParam();
  const DeviceUse use{"ROCm0",          true,          16 * kGiB, kGiB, given.used_peak,
                      given.gtt_before, given.gtt_peak};
  const MemoryMap memory = {{"ROCm0", 14 * kGiB, 0, 0, 0},
                            {kHostDeviceId, given.host_private + kGiB, 0, 0, kGiB}};
  EXPECT_EQ(spill_of({use}, memory).has_value(), given.spilled);
}

INSTANTIATE_TEST_SUITE_P(
    R20, SpillOf,
    testing::Values(Spill{15 * kGiB, kGiB, 3 * kGiB, 0, true},
                    Spill{14 * kGiB, kGiB, 3 * kGiB, 0, false},           // room left
                    Spill{15 * kGiB, kGiB, 3 * kGiB, 2 * kGiB, false},    // pinned host buffers
                    Spill{15 * kGiB, kGiB, 4 * kGiB, 2 * kGiB, true},     // and more than those
                    Spill{15 * kGiB, 3 * kGiB, 3 * kGiB, 0, false},       // there before
                    Spill{15 * kGiB, 3 * kGiB, kGiB, 0, false},           // it fell
                    Spill{15 * kGiB, kGiB, kGiB + 300 * kMiB, 0, false},  // below 2 %
                    Spill{15 * kGiB, kGiB, kGiB + 330 * kMiB, 0, true}));

TEST(SpillOf, IsNotKnownWithoutADriverThatTells) {
  const DeviceUse use{"CUDA0", true, 8 * kGiB, kGiB, 8 * kGiB};
  EXPECT_FALSE(spill_of({use}, {}));
}

// ---- R47

Evidence starved(Reading<double> waited, double ms, double own_share = 0) {
  Evidence seen;
  seen.processor.use.ms = ms;
  seen.processor.use.waited_share = std::move(waited);
  seen.processor.own_share = own_share;
  return seen;
}

TEST(Starvation, CountsFromATenthOfTheTimeOn) {
  EXPECT_EQ(kinds_in(starved(0.09, 10000)), "");
  EXPECT_EQ(kinds_in(starved(0.11, 10000)), "contended");
  EXPECT_EQ(kinds_in(starved(0.6, 150)), "") << "90 ms say nothing";
  const auto findings = disturbances_in(starved(0.6, 5000));
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].of, Contended::processor);
  EXPECT_TRUE(findings[0].passes);
  EXPECT_EQ(findings[0].why, "a thread of ours waited for a processor for 60 % of the time");
}

TEST(Starvation, OfThreadsThatAreTooManyIsTheirOwnDoing) {
  EXPECT_DOUBLE_EQ(own_wait_share(2, 2), 0);
  EXPECT_DOUBLE_EQ(own_wait_share(1, 8), 0);
  EXPECT_DOUBLE_EQ(own_wait_share(4, 2), 0.5);
  EXPECT_EQ(kinds_in(starved(0.55, 10000, 0.5)), "");
  EXPECT_EQ(kinds_in(starved(0.8, 10000, 0.5)), "contended");
}

TEST(Starvation, WhereNoThreadsWaitingIsToldPressureSaysIt) {
  Evidence seen = starved(Absence{"no schedstat"}, 10000);
  EXPECT_EQ(kinds_in(seen), "") << "absent is not zero, and not guilty either";
  seen.processor.use.stalled_share = 0.7;
  EXPECT_EQ(kinds_in(seen), "contended");
  seen.processor.use.waited_share = 0.01;
  EXPECT_EQ(kinds_in(seen), "") << "somebody waited, and it was not us";
}

TEST(Taken, IsWhatOthersKeepOfTheProcessorsThatWeNeed) {
  kernel::ProcessorUse use;
  EXPECT_FALSE(taken_percent(use, 8, 4));
  use.busy_share = 0.5;
  EXPECT_DOUBLE_EQ(taken_percent(use, 8, 4).value_or(-1), 0) << "four are idle, and enough";
  EXPECT_DOUBLE_EQ(taken_percent(use, 8, 8).value_or(-1), 50);
  EXPECT_DOUBLE_EQ(taken_percent(use, 2, 2).value_or(-1), 50);
  EXPECT_DOUBLE_EQ(taken_percent(use, 2, 64).value_or(-1), 50) << "no more than there are";
}

}  // namespace
}  // namespace sweetspot::profiler
