// The sampler with sources that block, lie, throw and vanish: R22. Real time is used sparingly:
// every wait here is for an event with a generous deadline, never for a moment.
#include "devices/sampler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "fake_nvml_machine.hpp"

namespace sweetspot::devices {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr milliseconds kLong{20000};
constexpr const char* kSampledCard = "0000:01:00.0";

DeviceStatus sample_status(double temperature) {
  DeviceStatus status;
  status.pci_bus_id = std::string(kSampledCard);
  status.temperature_c = temperature;
  status.utilisation_percent = 50.0;
  status.memory_total_bytes = 8 * kGiB;
  status.memory_free_bytes = 6 * kGiB;
  return status;
}

// What the fake driver does on each read, shared with a thread that may outlive the test.
struct Script {
  std::function<std::vector<DeviceStatus>(int read)> answer;
  std::atomic<int> reads{0};
  std::atomic<bool> closed{false};
};

class ScriptedSource final : public StatusSource {
 public:
  explicit ScriptedSource(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~ScriptedSource() override { script_->closed = true; }
  [[nodiscard]] std::string_view name() const override { return "scripted"; }
  std::vector<DeviceStatus> read() override { return script_->answer(script_->reads++); }

 private:
  std::shared_ptr<Script> script_;
};

SourceFactory factory(const std::shared_ptr<Script>& script) {
  return [script] {
    Sources sources;
    sources.list.push_back(std::make_unique<ScriptedSource>(script));
    return sources;
  };
}

// A door a driver call waits at. It opens by itself before the test program would be killed.
class Door {
 public:
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, kLong, [this] { return open_; });
  }
  void wait_for_visitor() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLong, [this] { return waiting_ > 0; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

SamplerOptions quick() {
  SamplerOptions options;
  options.interval = milliseconds(5);
  options.stale_after_intervals = 4;
  options.stop_deadline = milliseconds(50);
  return options;
}

bool eventually(const std::function<bool()>& condition) {
  const double end = steady_now_ms() + static_cast<double>(kLong.count());
  while (!condition()) {
    if (steady_now_ms() > end) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

TEST(Sampler, AsksNothingUntilStarted) {
  auto script = std::make_shared<Script>();
  script->answer = [](int) { return std::vector{sample_status(50)}; };
  {
    Sampler sampler(factory(script), quick());
    sampler.begin();
    std::this_thread::sleep_for(milliseconds(30));
    EXPECT_TRUE(sampler.latest().stale);
    EXPECT_THAT(sampler.end(), IsEmpty());
  }
  EXPECT_EQ(script->reads, 0);
}

TEST(Sampler, TheNewestSampleIsSeenAndTheSourcesAreClosedAtTheEnd) {
  auto script = std::make_shared<Script>();
  script->answer = [](int read) { return std::vector{sample_status(read)}; };
  {
    Sampler sampler(factory(script), quick());
    sampler.start();
    sampler.start();
    ASSERT_TRUE(eventually([&] { return script->reads >= 3; }));
    const Snapshot snapshot = sampler.fresh(kLong);
    ASSERT_NE(snapshot.find(kSampledCard), nullptr);
    EXPECT_GE(*snapshot.find(kSampledCard)->temperature_c, 3);
    EXPECT_EQ(snapshot.find("0000:09:00.0"), nullptr);
    EXPECT_FALSE(snapshot.stale);
  }
  EXPECT_TRUE(eventually([&] { return script->closed.load(); }));
}

TEST(Sampler, FreshIsASampleThatBeganAfterTheCall) {
  auto script = std::make_shared<Script>();
  script->answer = [](int read) { return std::vector{sample_status(read)}; };
  SamplerOptions slow = quick();
  slow.interval = milliseconds(60000);  // only asking can bring a second sample
  Sampler sampler(factory(script), slow);
  sampler.start();
  for (int i = 0; i < 3; ++i) {
    const double before = steady_now_ms();
    EXPECT_GE(sampler.fresh(kLong).at_ms, before);
  }
}

TEST(Sampler, AWindowHoldsOnlyWhatBeganInIt) {
  auto script = std::make_shared<Script>();
  auto door = std::make_shared<Door>();
  script->answer = [door](int read) {
    if (read == 0) door->pass();
    return std::vector{sample_status(read == 0 ? 40 : 80)};
  };
  Sampler sampler(factory(script), quick());
  sampler.start();
  door->wait_for_visitor();
  sampler.begin();  // while the first sample is under way
  door->open();
  ASSERT_TRUE(eventually([&] { return script->reads >= 3; }));
  const Window window = sampler.end();
  ASSERT_EQ(window.count(kSampledCard), 1U);
  EXPECT_GE(window.at(kSampledCard).telemetry.samples, 1U);
  EXPECT_EQ(window.at(kSampledCard).telemetry.temperature_start_c, Reading<double>(80.0));
  EXPECT_EQ(window.at(kSampledCard).memory_free_min_bytes, Reading<std::uint64_t>(6 * kGiB));
  EXPECT_THAT(sampler.end(), IsEmpty()) << "closed already";
}

TEST(Sampler, AWindowWithoutASampleSaysSo) {
  auto script = std::make_shared<Script>();
  auto door = std::make_shared<Door>();
  script->answer = [door](int read) {
    if (read == 1) door->pass();
    return std::vector{sample_status(50)};
  };
  SamplerOptions patient = quick();
  patient.stale_after_intervals = 1000000;
  Sampler sampler(factory(script), patient);
  sampler.start();
  door->wait_for_visitor();
  sampler.begin();
  const Window window = sampler.end();
  EXPECT_THAT(window.at(kSampledCard).telemetry.temperature_max_c.reason(), HasSubstr("no sample"));
  EXPECT_EQ(window.at(kSampledCard).telemetry.samples, 0U);
  door->open();
}

TEST(Sampler, ABlockedDriverHoldsUpNobody) {
  auto script = std::make_shared<Script>();
  auto door = std::make_shared<Door>();
  script->answer = [door](int read) {
    if (read > 0) door->pass();
    return std::vector{sample_status(50)};
  };
  const double before = steady_now_ms();
  {
    Sampler sampler(factory(script), quick());
    sampler.start();
    ASSERT_EQ(sampler.fresh(kLong).find(kSampledCard)->temperature_c, Reading<double>(50.0));
    sampler.begin();
    door->wait_for_visitor();
    ASSERT_TRUE(eventually([&] { return sampler.latest().stale; }));
    const Snapshot snapshot = sampler.latest();
    EXPECT_THAT(snapshot.find(kSampledCard)->temperature_c.reason(), HasSubstr("stale"));
    EXPECT_THAT(snapshot.find(kSampledCard)->memory_free_bytes.reason(), HasSubstr("stale"));
    EXPECT_TRUE(sampler.fresh(milliseconds(20)).stale);
    const Window window = sampler.end();
    EXPECT_THAT(window.at(kSampledCard).telemetry.temperature_max_c.reason(), HasSubstr("stale"));
    EXPECT_EQ(window.at(kSampledCard).telemetry.samples, 0U);
  }
  EXPECT_LT(steady_now_ms() - before, 15000) << "far less than the door stays shut";
  EXPECT_FALSE(script->closed) << "the thread is left behind in the driver";
  door->open();
  EXPECT_TRUE(eventually([&] { return script->closed.load(); })) << "and ends by itself";
}

TEST(Sampler, ADriverThatBlocksWhileOpeningHoldsUpNobody) {
  auto door = std::make_shared<Door>();
  auto opened = std::make_shared<std::atomic<bool>>(false);
  {
    Sampler sampler(
        [door, opened] {
          door->pass();
          *opened = true;
          return Sources{};
        },
        quick());
    sampler.start();
    door->wait_for_visitor();
    const Snapshot snapshot = sampler.fresh(milliseconds(10));
    EXPECT_TRUE(snapshot.stale);
    EXPECT_THAT(snapshot.notes, ElementsAre(HasSubstr("not answered")));
    sampler.begin();
    EXPECT_THAT(sampler.end(), IsEmpty());
  }
  EXPECT_FALSE(*opened);
  door->open();
  EXPECT_TRUE(eventually([&] { return opened->load(); }));
}

TEST(Sampler, WithoutSourcesItAnswersAtOnceAndSaysWhy) {
  Sampler sampler([] {
    Sources sources;
    sources.notes.emplace_back("nvml: not installed");
    return sources;
  });
  sampler.start();
  const Snapshot snapshot = sampler.fresh(kLong);
  EXPECT_THAT(snapshot.devices, IsEmpty());
  EXPECT_THAT(snapshot.notes, ElementsAre("nvml: not installed"));
  EXPECT_FALSE(sampler.fresh(kLong).stale) << "nothing to read does not go stale";
}

TEST(Sampler, AnExceptionEndsSamplingNotTheProgram) {
  auto script = std::make_shared<Script>();
  script->answer = [](int) -> std::vector<DeviceStatus> { throw std::runtime_error("broken"); };
  Sampler sampler(factory(script), quick());
  sampler.start();
  const Snapshot snapshot = sampler.fresh(kLong);
  EXPECT_THAT(snapshot.notes, ElementsAre(HasSubstr("broken")));
}

TEST(Sampler, ASlowDriverIsAskedLessOften) {
  auto script = std::make_shared<Script>();
  script->answer = [](int) {
    std::this_thread::sleep_for(milliseconds(4));
    return std::vector{sample_status(50)};
  };
  SamplerOptions options = quick();
  options.max_duty = 0.1;  // 4 ms of reading, so at least 36 ms of pause
  Sampler sampler(factory(script), options);
  sampler.start();
  const double begin = steady_now_ms();
  ASSERT_TRUE(eventually([&] { return script->reads >= 5; }));
  EXPECT_GE(steady_now_ms() - begin, 4 * 36 - 1);
}

// ---- with the fake driver library
// -------------------------------------------------------------------

SourceFactory nvml_factory(const NvmlOptions& options) {
  return [options] {
    Sources sources;
    auto opened = open_nvml(options);
    if (opened) {
      sources.list.push_back(std::move(*opened));
    } else {
      sources.notes.push_back(opened.error());
    }
    return sources;
  };
}

TEST(Sampler, NvmlBlockingFor30SecondsThenLostEndsNothingElse) {
  json blocking = healthy_gpu("00000000:01:00.0");
  blocking["block_ms"] = {{"nvmlDeviceGetPowerUsage", 30000}};
  blocking["lost_after_calls"] = 14;
  FakeNvmlMachine machine(blocking);
  machine.gpu()["release_file"] = machine.release_path();
  const double before = steady_now_ms();
  {
    Sampler sampler(nvml_factory(machine.options()), quick());
    sampler.start();
    ASSERT_TRUE(eventually([&] {
      const auto calls = machine.calls();
      return !calls.empty() && calls.back().starts_with("nvmlDeviceGetPowerUsage");
    }));
    sampler.begin();
    EXPECT_THAT(sampler.end(), IsEmpty());
    machine.files.file("/release", "");
    ASSERT_TRUE(eventually([&] {
      const Snapshot snapshot = sampler.latest();
      return !snapshot.devices.empty() && is_lost(snapshot.devices[0]);
    }));
  }
  EXPECT_LT(steady_now_ms() - before, 25000);
  // The thread shuts the library down before the next test sets up its own.
  EXPECT_TRUE(eventually([&] { return machine.calls().back() == "nvmlShutdown"; }));
}

TEST(Sampler, ThrottlingInTheMiddleIsInTheUnion) {
  json gpu = healthy_gpu("00000000:01:00.0");
  gpu["throttle"] = {0, 0x4, 0x20, 0};
  gpu["temperature"] = {60, 70, 91, 80};
  FakeNvmlMachine machine(gpu);
  {
    Sampler sampler(nvml_factory(machine.options()), quick());
    sampler.begin();
    sampler.start();
    for (int i = 0; i < 5; ++i) sampler.fresh(kLong);
    const Window window = sampler.end();
    const Telemetry& telemetry = window.at(kSampledCard).telemetry;
    EXPECT_GE(telemetry.samples, 5U);
    EXPECT_THAT(*telemetry.throttle_reasons, ElementsAre("power cap", "software thermal slowdown"));
    EXPECT_EQ(telemetry.temperature_start_c, Reading<double>(60.0));
    EXPECT_EQ(telemetry.temperature_max_c, Reading<double>(91.0));
  }
  EXPECT_TRUE(eventually([&] { return machine.calls().back() == "nvmlShutdown"; }));
}

// ---- aggregation
// ------------------------------------------------------------------------------------

Snapshot snapshot_of(DeviceStatus status) { return {1, false, {std::move(status)}, {}}; }

TEST(Aggregate, MeansMaximaAndUnion) {
  DeviceStatus first = sample_status(40);
  first.power_w = 100.0;
  first.memory_used_bytes = kGiB;
  first.throttle_reasons = std::vector<std::string>{"b"};
  DeviceStatus second = sample_status(60);
  second.power_w = 300.0;
  second.memory_used_bytes = 3 * kGiB;
  second.throttle_reasons = std::vector<std::string>{"a", "b"};
  DeviceStatus third = sample_status(50);
  third.power_w = Absence{"busy"};
  third.memory_used_bytes = 2 * kGiB;
  const auto window = aggregate({snapshot_of(first), snapshot_of(second), snapshot_of(third)});
  const DeviceWindow& device = window.at(kSampledCard);
  EXPECT_EQ(device.telemetry.samples, 3U);
  EXPECT_EQ(device.telemetry.temperature_start_c, Reading<double>(40.0));
  EXPECT_EQ(device.telemetry.temperature_max_c, Reading<double>(60.0));
  EXPECT_EQ(device.telemetry.power_w, Reading<double>(200.0)) << "absent samples are not zero";
  EXPECT_THAT(*device.telemetry.throttle_reasons, ElementsAre("a", "b"));
  EXPECT_EQ(device.memory_used_max_bytes, Reading<std::uint64_t>(3 * kGiB));
}

TEST(Aggregate, AMetricThatNoSampleHasKeepsTheReason) {
  DeviceStatus status = sample_status(40);
  status.power_w = Absence{"not supported on this device"};
  const auto window = aggregate({snapshot_of(status)});
  EXPECT_EQ(window.at(kSampledCard).telemetry.power_w.reason(), "not supported on this device");
}

TEST(Aggregate, DevicesWithoutAnAddressAndNoSamplesGiveNothing) {
  DeviceStatus nameless = sample_status(40);
  nameless.pci_bus_id = Absence{"unknown"};
  EXPECT_THAT(aggregate({snapshot_of(nameless)}), IsEmpty());
  EXPECT_THAT(aggregate({}), IsEmpty());
}

}  // namespace
}  // namespace sweetspot::devices
