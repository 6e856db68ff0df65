// The view of the machine with a scripted driver and a folder that plays /sys and /proc.
#include "devices/machine_view.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr milliseconds kPatience{20000};
constexpr std::uint64_t kFreeAtFirst = 1000;
constexpr const char* kCard = "0000:01:00.0";

// Free memory shrinks by a byte with each reading; each takes `time`.
class CountingDriver final : public StatusSource {
 public:
  CountingDriver(std::shared_ptr<std::atomic<int>> reads, milliseconds time)
      : reads_(std::move(reads)), time_(time) {}
  [[nodiscard]] std::string_view name() const override { return "counting"; }
  std::vector<DeviceStatus> read() override {
    std::this_thread::sleep_for(time_);
    DeviceStatus status;
    status.pci_bus_id = std::string(kCard);
    status.memory_total_bytes = std::uint64_t{2000};
    status.memory_free_bytes = kFreeAtFirst - static_cast<std::uint64_t>((*reads_)++);
    return {status};
  }

 private:
  std::shared_ptr<std::atomic<int>> reads_;
  milliseconds time_;
};

class MachineViewTest : public testing::Test {
 protected:
  MachineViewTest() {
    available(4096);
    files_.gpu(kCard, "0x10de", "active").gpu("0000:05:00.0", "0x8086", "suspended");
  }

  void available(int kib) {
    files_.file("/proc/meminfo", fmt::format("MemTotal: 8192 kB\nMemAvailable: {} kB\n", kib));
  }

  [[nodiscard]] SourceFactory drivers(int count = 1, milliseconds time = milliseconds(0)) const {
    return [reads = reads_, count, time] {
      Sources sources;
      for (int i = 0; i < count; ++i) {
        sources.list.push_back(std::make_unique<CountingDriver>(reads, time));
      }
      sources.notes = {"amdgpu: no such card"};
      return sources;
    };
  }

  kernel::FakeTree files_;
  std::shared_ptr<std::atomic<int>> reads_ = std::make_shared<std::atomic<int>>(0);
};

TEST_F(MachineViewTest, EveryLookAsksTheDriversAndTheKernelAnew) {
  MachineView view(ViewOptions{}, drivers(), files_.tree());
  const Seen first = view.look();
  available(1024);
  const Seen second = view.look();
  ASSERT_THAT(first.statuses, SizeIs(1));
  EXPECT_EQ(first.statuses[0].memory_free_bytes, Reading<std::uint64_t>(kFreeAtFirst));
  EXPECT_EQ(second.statuses[0].memory_free_bytes, Reading<std::uint64_t>(kFreeAtFirst - 1));
  EXPECT_EQ(first.machine.memory_available_bytes, Reading<std::uint64_t>(4096U << 10U));
  EXPECT_EQ(second.machine.memory_available_bytes, Reading<std::uint64_t>(1024U << 10U));
  EXPECT_THAT(second.notes, ElementsAre("amdgpu: no such card"));
}

TEST_F(MachineViewTest, ADriverIsNotAskedWhenThoseBeforeItTookTooLong) {
  ViewOptions options;
  options.deadline = milliseconds(1);
  MachineView view(options, drivers(2, milliseconds(20)), files_.tree());
  const Seen seen = view.look();
  EXPECT_THAT(seen.statuses, SizeIs(1));
  EXPECT_THAT(seen.notes, ElementsAre("amdgpu: no such card",
                                      HasSubstr("counting: not asked, the drivers before it")));
}

TEST_F(MachineViewTest, InTheBackgroundALookTakesTheLastReadingAndAFreshOneTheNext) {
  ViewOptions options;
  options.in_background = true;
  options.interval = std::chrono::hours(1);
  options.deadline = kPatience;
  MachineView view(options, drivers(), files_.tree());
  const Seen first = view.look();
  ASSERT_THAT(first.statuses, SizeIs(1)) << "the first look waits until something was read";
  const auto read_since = [&](const Seen& seen) {
    return *first.statuses[0].memory_free_bytes - *seen.statuses.at(0).memory_free_bytes;
  };
  EXPECT_EQ(read_since(view.look()), 0U);
  EXPECT_GE(read_since(view.look_afresh(kPatience)), 1U);
}

TEST_F(MachineViewTest, NoTimeToWaitForDriversIsNoWait) {
  ViewOptions options;
  options.in_background = true;
  options.deadline = milliseconds(0);
  MachineView view(options, drivers(1, milliseconds(300)), files_.tree());
  EXPECT_THAT(view.look().statuses, IsEmpty());
}

TEST_F(MachineViewTest, WithoutGgmlACardThatNoDriverKnowsIsThereAndAsleepAsTheKernelSays) {
  MachineView view(ViewOptions{}, drivers(), files_.tree(), {"GGML_X=1", "HOME=/home"});
  const LiveMachine before = live_machine(view.look());
  ASSERT_THAT(before.devices, SizeIs(2));
  EXPECT_EQ(before.devices[0].memory_free_bytes, Reading<std::uint64_t>(kFreeAtFirst));
  EXPECT_TRUE(before.devices[1].asleep);
  EXPECT_EQ(before.host_available_bytes, Reading<std::uint64_t>(4096U << 10U));
  EXPECT_EQ(before.environment, std::vector<std::string>{"GGML_X=1"});
  files_.gpu("0000:05:00.0", "0x8086", "active");
  EXPECT_FALSE(live_machine(view.look()).devices.at(1).asleep);
}

TEST_F(MachineViewTest, WhereDevicesMayBeWokenNoneCountsAsAsleep) {
  ViewOptions options;
  options.wake = true;
  MachineView view(options, drivers(), files_.tree());
  EXPECT_FALSE(live_machine(view.look()).devices.at(1).asleep);
}

TEST_F(MachineViewTest, WithGgmlOnlyItsDevicesAreThereWithWhatTheirDriverSays) {
  MachineView view(ViewOptions{}, drivers(), files_.tree());
  Device device;
  device.id = "GPU0";
  device.type = DeviceType::gpu;
  device.pci_bus_id = std::string(kCard);
  device.memory_free_bytes = std::uint64_t{7};
  const LiveMachine live = live_machine(view.look(), {device});
  ASSERT_THAT(live.devices, SizeIs(1));
  EXPECT_EQ(live.devices[0].id, "GPU0");
  EXPECT_EQ(live.devices[0].memory_free_bytes, Reading<std::uint64_t>(kFreeAtFirst));
}

}  // namespace
}  // namespace sweetspot::devices
