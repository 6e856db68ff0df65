// When a measurement is repeated, what is waited for, and when that is given up: R7, R9.
#include "profiler/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::profiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr const char* kId = "0000:01:00.0";
constexpr double kMeasureMs = 10000;

/// A device whose state is a function of time and of how often was measured; time passes by
/// measuring and by waiting.
struct World {
  double now_ms = 0;
  int measured = 0;
  bool cancelled = false;
  std::function<double()> busy = [] { return 0.0; };
  std::function<std::vector<std::string>()> limited = [] { return std::vector<std::string>{}; };
  std::function<double()> celsius = [] { return 50.0; };
  std::function<void(devices::DeviceWindow&)> window = [](devices::DeviceWindow&) {};
  Outcome<void> outcome;

  WatchWorld watch() {
    WatchWorld world;
    world.pci_bus_ids = {kId};
    world.worker_pid = 4711;
    world.look = [this] {
      DeviceStatus status;
      status.pci_bus_id = std::string(kId);
      status.utilisation_percent = busy();
      status.throttle_reasons = limited();
      status.temperature_c = celsius();
      return devices::Snapshot{now_ms, false, {status}, {}};
    };
    world.begin = [] {};
    world.end = [this] {
      devices::DeviceWindow seen;
      seen.observed_ms = kMeasureMs;
      seen.memory_total_bytes = 8 * kGiB;
      seen.points = {{now_ms, kGiB, {}, {}, ""}, {now_ms, kGiB, {}, {}, ""}};
      seen.telemetry.temperature_max_c = 90.0;
      window(seen);
      return devices::Window{{kId, seen}};
    };
    world.now_ms = [this] { return now_ms; };
    world.sleep_ms = [this](double ms) { now_ms += ms; };
    world.cancelled = [this] { return cancelled; };
    return world;
  }

  Watched run() {
    return measure_undisturbed(watch(), [this]() -> Measurement {
      ++measured;
      now_ms += kMeasureMs;
      return {outcome, {{now_ms - kMeasureMs, now_ms}}};
    });
  }
};

void throttle(devices::DeviceWindow& window, const char* reason) {
  window.telemetry.throttle_times = std::vector<ThrottleTime>{{reason, 3000}};
}

TEST(Watch, AQuietMeasurementIsTakenOnceAndNothingIsWaitedFor) {
  World world;
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 1);
  EXPECT_EQ(world.now_ms, kMeasureMs);
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_THAT(watched.repeats, IsEmpty());
  EXPECT_EQ(watched.window.count(kId), 1U);
}

TEST(Watch, OurOwnUseFadesBeforeItIsHeldAgainstOthers) {
  World world;
  world.busy = [&] { return world.now_ms < 1000 ? 100.0 : 0.0; };
  EXPECT_THAT(world.run().findings, IsEmpty());
  EXPECT_EQ(world.measured, 1);
  EXPECT_NEAR(world.now_ms, 1000 + kMeasureMs, 200);
}

TEST(Watch, NobodyWaitsWhereTheDriverTellsWhoWorks) {
  World world;
  world.busy = [] { return 100.0; };
  world.window = [](devices::DeviceWindow& window) {
    window.processes = std::vector<ProcessUse>{{4711, 90}};
  };
  const Watched first = world.run();
  EXPECT_TRUE(first.processes_known);
  EXPECT_NEAR(world.now_ms, kMeasureMs + 2000, 200) << "the first cannot know";
  EXPECT_THAT(first.findings, IsEmpty()) << "the shares are believed, not the look before";
  WatchWorld later = world.watch();
  later.processes_known = true;
  world.now_ms = 0;
  const Watched second = measure_undisturbed(later, [] { return Measurement{}; });
  EXPECT_EQ(world.now_ms, 0);
  EXPECT_THAT(second.findings, IsEmpty());
}

TEST(Watch, TwoGibibytesTakenMeanwhileCostOneRepetition) {
  World world;
  world.window = [&](devices::DeviceWindow& window) {
    if (world.measured == 1) window.points[1].memory_used_bytes = 3 * kGiB;
  };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 2);
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_THAT(watched.repeats, ElementsAre(HasSubstr("contended: memory in use rose by 2.00 GiB")));
}

TEST(Watch, ANeighbourThatDoesNotSettleLeavesALabelAfterTwoRepetitions) {
  World world;
  world.window = [](devices::DeviceWindow& window) {
    window.points[1].memory_used_bytes = 3 * kGiB;
  };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 3);
  ASSERT_EQ(watched.findings.size(), 1U);
  EXPECT_EQ(watched.findings[0].what, Disturbance::contended);
  EXPECT_EQ(watched.repeats.size(), 2U);
}

TEST(Watch, ANeighbourThatStaysIsNotMeasuredAgainAndAgain) {
  World world;
  world.busy = [] { return 40.0; };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 1);
  EXPECT_LT(world.now_ms, kMeasureMs + 2000 + 2000 + 10000 + 500) << "every wait has its cap";
  ASSERT_EQ(watched.findings.size(), 1U);
  EXPECT_EQ(watched.findings[0].what, Disturbance::contended);
}

TEST(Watch, ANeighbourThatLeavesIsWaitedFor) {
  World world;
  world.busy = [&] { return world.now_ms < 16000 ? 40.0 : 0.0; };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 2);
  EXPECT_THAT(watched.findings, IsEmpty());
}

TEST(Watch, HeatIsWaitedForUntilTheDeviceIsCooler) {
  World world;
  double measured_until = 0;
  world.window = [&](devices::DeviceWindow& window) {
    measured_until = world.now_ms;
    if (world.measured == 1) throttle(window, "thermal slowdown");
  };
  world.celsius = [&] { return 90 - (world.now_ms - measured_until) / 1000; };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 2);
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_NEAR(world.now_ms, 2 * kMeasureMs + 5000, 200);
}

TEST(Watch, ThrottlingThatComesBackIsSaidNeverHidden) {
  World world;
  world.window = [](devices::DeviceWindow& window) { throttle(window, "thermal slowdown"); };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 3);
  ASSERT_EQ(watched.findings.size(), 1U);
  EXPECT_EQ(watched.findings[0].what, Disturbance::throttled);
}

TEST(Watch, ACauseThatIsStillThereWhenTheTimeIsUpEndsIt) {
  World world;
  world.window = [](devices::DeviceWindow& window) { throttle(window, "power brake"); };
  world.limited = [] { return std::vector<std::string>{"power brake"}; };
  EXPECT_EQ(world.run().findings.size(), 1U);
  EXPECT_EQ(world.measured, 1);
}

TEST(Watch, APowerCapIsSaidAtOnceBecauseItComesBackWithTheLoad) {
  World world;
  world.window = [](devices::DeviceWindow& window) { throttle(window, "power cap"); };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 1);
  EXPECT_EQ(world.now_ms, kMeasureMs);
  EXPECT_EQ(watched.findings.size(), 1U);
}

TEST(Watch, AFailureEndsItAtOnce) {
  World world;
  world.window = [](devices::DeviceWindow& window) { throttle(window, "thermal slowdown"); };
  world.outcome = tl::unexpected(Failure{FailureClass::crashed, Phase::generation, "died", 6, ""});
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 1);
  EXPECT_FALSE(watched.outcome);
  EXPECT_THAT(watched.findings, IsEmpty());
}

TEST(Watch, CtrlCWhileCoolingDownKeepsWhatThereIs) {
  World world;
  world.window = [&](devices::DeviceWindow& window) { throttle(window, "thermal slowdown"); };
  world.celsius = [&] {
    if (world.measured == 1) world.cancelled = true;
    return 90.0;
  };
  const Watched watched = world.run();
  EXPECT_EQ(world.measured, 1);
}

TEST(Watch, WithoutADeviceNothingIsAsked) {
  World world;
  WatchWorld alone = world.watch();
  alone.pci_bus_ids.clear();
  alone.look = []() -> devices::Snapshot {
    ADD_FAILURE() << "nobody to look at";
    return {};
  };
  EXPECT_TRUE(measure_undisturbed(alone, [] { return Measurement{}; }).outcome);
}

}  // namespace
}  // namespace sweetspot::profiler
