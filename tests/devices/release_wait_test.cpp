// R8: wait for a level, bounded, and never for a rise.
#include "devices/release_wait.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>

#include "ground/bytes.hpp"

namespace sweetspot::devices {
namespace {

using testing::HasSubstr;

// A clock that only sleeping moves, and memory that comes back at a given moment.
struct FakeDevice {
  double now_ms = 0;
  double back_at_ms = 0;
  std::uint64_t before = 2 * kGiB;
  std::uint64_t after = 8 * kGiB;
  int reads = 0;
  double cancel_at_ms = 1e18;

  [[nodiscard]] ReleaseWorld world() {
    return {[this] { return now_ms; }, [this](double ms) { now_ms += ms; },
            [this] { return now_ms >= cancel_at_ms; }};
  }
  Reading<std::uint64_t> read() {
    ++reads;
    return now_ms >= back_at_ms ? after : before;
  }
};

ReleaseResult wait(FakeDevice& device, const ReleaseGoal& goal) {
  return wait_for_release([&] { return device.read(); }, goal, device.world());
}

ReleaseGoal goal() {
  ReleaseGoal goal;
  goal.baseline_free_bytes = 8 * kGiB;
  return goal;
}

TEST(ReleaseWait, MemoryThatIsBackCostsNothing) {
  FakeDevice device;
  const auto result = wait(device, goal());
  EXPECT_EQ(result.release, Release::at_once);
  EXPECT_EQ(result.waited_ms, 0);
  EXPECT_EQ(device.reads, 1);
}

TEST(ReleaseWait, MemoryThatIsBackAfterASecondCostsLittleMore) {
  FakeDevice device;
  device.back_at_ms = 1000;
  const auto result = wait(device, goal());
  EXPECT_EQ(result.release, Release::after_wait);
  EXPECT_GE(result.waited_ms, 1000);
  EXPECT_LE(result.waited_ms, 1500);
  EXPECT_THAT(result.sentence(), HasSubstr("returned after"));
}

TEST(ReleaseWait, MemoryThatNeverReturnsIsFlaggedAtTheDeadline) {
  FakeDevice device;
  device.back_at_ms = 1e12;
  const auto result = wait(device, goal());
  EXPECT_EQ(result.release, Release::did_not_return);
  EXPECT_EQ(result.waited_ms, 3000);
  EXPECT_EQ(result.free_bytes, Reading<std::uint64_t>(2 * kGiB));
  EXPECT_THAT(result.sentence(), HasSubstr("did not return"));
}

TEST(ReleaseWait, MoreThanTheBaselineAndAlmostTheBaselineAreBack) {
  ReleaseGoal wanted = goal();
  FakeDevice device;
  device.after = 9 * kGiB;
  EXPECT_EQ(wait(device, wanted).release, Release::at_once);
  device.after = wanted.baseline_free_bytes - wanted.tolerance_bytes;
  EXPECT_EQ(wait(device, wanted).release, Release::at_once);
  device.after -= 1;
  EXPECT_EQ(wait(device, wanted).release, Release::did_not_return);
}

TEST(ReleaseWait, AToleranceAboveTheBaselineDoesNotWrap) {
  FakeDevice device;
  device.after = 0;
  ReleaseGoal wanted = goal();
  wanted.tolerance_bytes = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(wait(device, wanted).release, Release::at_once);
}

TEST(ReleaseWait, NothingIsWaitedForWhereFreeCannotBeRead) {
  FakeDevice device;
  const auto result = wait_for_release([] { return Reading<std::uint64_t>(Absence{"no driver"}); },
                                       goal(), device.world());
  EXPECT_EQ(result.release, Release::unreadable);
  EXPECT_EQ(device.now_ms, 0);
  EXPECT_THAT(result.sentence(), HasSubstr("no driver"));
}

TEST(ReleaseWait, AReadingThatGoesMissingIsWaitedOut) {
  FakeDevice device;
  device.back_at_ms = 500;
  int reads = 0;
  const auto result = wait_for_release(
      [&] {
        if (++reads == 3) return Reading<std::uint64_t>(Absence{"stale"});
        return device.read();
      },
      goal(), device.world());
  EXPECT_EQ(result.release, Release::after_wait);
}

TEST(ReleaseWait, ACancelEndsItAtTheNextPoll) {
  FakeDevice device;
  device.back_at_ms = 1e12;
  device.cancel_at_ms = 200;
  const auto result = wait(device, goal());
  EXPECT_EQ(result.release, Release::cancelled);
  EXPECT_LE(device.now_ms, 250);
}

TEST(ReleaseWait, TheRealClockMovesAndSleeps) {
  const ReleaseWorld world = real_world();
  const double before = world.now_ms();
  world.sleep_ms(5);
  EXPECT_GE(world.now_ms() - before, 4);
}

RC_GTEST_PROP(ReleaseWait, NeverWaitsPastTheDeadlineAndOnlyForALevel, ()) {
  FakeDevice device;
  device.back_at_ms = *rc::gen::inRange(0, 6000);
  device.before = *rc::gen::inRange<std::uint64_t>(0, 9 * kGiB);
  device.after = *rc::gen::inRange<std::uint64_t>(0, 9 * kGiB);
  ReleaseGoal wanted = goal();
  wanted.deadline = std::chrono::milliseconds(*rc::gen::inRange(0, 4000));
  wanted.poll = std::chrono::milliseconds(*rc::gen::inRange(0, 500));
  const auto result = wait(device, wanted);
  RC_ASSERT(result.waited_ms <= static_cast<double>(wanted.deadline.count()));
  const bool back = *result.free_bytes + wanted.tolerance_bytes >= wanted.baseline_free_bytes;
  RC_ASSERT(back == (result.release != Release::did_not_return));
  RC_ASSERT((result.release == Release::at_once) ==
            (result.waited_ms == 0 && back && device.reads == 1));
}

}  // namespace
}  // namespace sweetspot::devices
