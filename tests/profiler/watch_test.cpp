// When a measurement is repeated, what is waited for, and when that is given up: R7, R9, R47.
#include "profiler/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ground/bytes.hpp"

namespace sweetspot::profiler {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kWatched = "0000:01:00.0";
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
    world.pci_bus_ids = {kWatched};
    world.worker_pid = 4711;
    world.look = [this] {
      DeviceStatus status;
      status.pci_bus_id = std::string(kWatched);
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
      return devices::Window{{kWatched, seen}};
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
  EXPECT_EQ(watched.window.count(kWatched), 1U);
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

/// The processors beside our worker: `neighbours` of them are kept busy by others, and a thread of
/// ours waits for its part while it computes.
struct Processors {
  World world = {};
  double waited_ms = 0;
  double busy_ticks = 0;
  double at_ms = 0;
  std::function<double()> neighbours = [] { return 0.0; };
  int cpus = 2;
  int threads = 2;
  int most_threads = 2;
  bool told = true;

  // Time has passed: what the neighbours took of it, we had not.
  void advance(bool we_compute) {
    const double ms = world.now_ms - at_ms;
    at_ms = world.now_ms;
    const double others = neighbours();
    if (we_compute) waited_ms += ms * std::min(1.0, others / cpus);
    busy_ticks += ms * std::min<double>(cpus, others + (we_compute ? threads : 0));
  }

  WatchWorld watch() {
    WatchWorld watched = world.watch();
    watched.pci_bus_ids.clear();
    watched.cpus = cpus;
    watched.threads = threads;
    watched.most_threads = most_threads;
    watched.processors = [this] {
      advance(false);
      kernel::ProcessorMoment moment;
      moment.at_ms = world.now_ms;
      if (!told) return moment;
      moment.waited_ns =
          std::map<int, std::uint64_t>{{4711, static_cast<std::uint64_t>(waited_ms * 1e6)}};
      moment.ticks = kernel::ProcessorMoment::Ticks{
          static_cast<std::uint64_t>(busy_ticks), static_cast<std::uint64_t>(world.now_ms * cpus)};
      return moment;
    };
    return watched;
  }

  Watched run(const WatchLimits& limits = {}) {
    return measure_undisturbed(
        watch(),
        [this]() -> Measurement {
          ++world.measured;
          world.now_ms += kMeasureMs;
          advance(true);
          return {world.outcome, {}};
        },
        limits);
  }
};

TEST(WatchProcessors, AQuietMachineIsMeasuredOnceWithoutADevice) {
  Processors quiet;
  quiet.neighbours = [] { return 0.1; };
  const Watched watched = quiet.run();
  EXPECT_EQ(quiet.world.measured, 1);
  EXPECT_EQ(quiet.world.now_ms, kMeasureMs);
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_NEAR(watched.processor.waited_share.value_or(-1), 0.05, 1e-9);
}

TEST(WatchProcessors, ANeighbourThatLeavesIsWaitedForAndWhatItSpoiledIsThrownAway) {
  Processors shared;
  shared.neighbours = [&] { return shared.world.now_ms < 16000 ? 1.0 : 0.0; };
  const Watched watched = shared.run();
  EXPECT_EQ(shared.world.measured, 2);
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_THAT(
      watched.repeats,
      ElementsAre(HasSubstr("contended: a thread of ours waited for a processor for 50 %")));
  EXPECT_GT(shared.world.now_ms, 16000 + kMeasureMs) << "not before it had gone";
  EXPECT_FALSE(watched.waited_in_vain);
}

TEST(WatchProcessors, ANeighbourThatStaysLeavesALabelAndIsNotWaitedForLongerThanTheCap) {
  Processors shared;
  shared.neighbours = [] { return 2.0; };
  const Watched watched = shared.run();
  EXPECT_EQ(shared.world.measured, 1);
  EXPECT_LT(shared.world.now_ms, kMeasureMs + 10000 + 700);
  ASSERT_EQ(watched.findings.size(), 1U);
  EXPECT_EQ(watched.findings[0].what, Disturbance::contended);
  EXPECT_EQ(watched.findings[0].of, Contended::processor);
  EXPECT_TRUE(watched.waited_in_vain);
}

TEST(WatchProcessors, ThreadsThatHoldEachOtherUpAreNoNeighbour) {
  Processors crowded;  // 4 threads where 2 can run: each waits for half of the time
  crowded.threads = 4;
  crowded.neighbours = [] { return 1.0; };
  EXPECT_THAT(crowded.run().findings, IsEmpty());
}

TEST(WatchProcessors, APauseTooShortToMatterIsNone) {
  Processors quick;
  quick.neighbours = [] { return 1.0; };
  WatchWorld world = quick.watch();
  const Watched watched = measure_undisturbed(world, [&]() -> Measurement {
    quick.world.now_ms += 150;  // 75 ms of it waited for
    quick.advance(true);
    return {};
  });
  EXPECT_THAT(watched.findings, IsEmpty());
}

TEST(WatchProcessors, AKernelThatTellsNothingBlamesNobody) {
  Processors silent;
  silent.told = false;
  silent.neighbours = [] { return 2.0; };
  const Watched watched = silent.run();
  EXPECT_THAT(watched.findings, IsEmpty());
  EXPECT_FALSE(watched.processor.waited_share);
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
