// Plans with a scripted worker and a scripted driver: whose figures a budget is made from.

#include "profiler/planner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <memory>
#include <utility>

#include "core/no_device.hpp"
#include "devices/machine.hpp"
#include "ground/bytes.hpp"
#include "process/cancel.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::profiler {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr const char* kPci = "0000:01:00.0";

std::string gpu(const std::string& id, std::uint64_t total_bytes, std::uint64_t free_bytes,
                const std::string& more = "") {
  return "{\"id\": \"" + id + "\", \"total_bytes\": " + std::to_string(total_bytes) +
         ", \"free_bytes\": " + std::to_string(free_bytes) + more + "}";
}

/// 22 blocks of 50 MB on these devices.
std::string planner_script(const std::string& devices, const std::string& rules = "") {
  return R"({"model": {"layers": 22, "bytes_per_layer": 50000000, "non_layer_bytes": 100000000},
            "devices": [)" +
         devices + R"(], "rules": [)" + rules + "]}";
}

/// A driver that knows one device.
class FakeDriver : public devices::StatusSource {
 public:
  explicit FakeDriver(DeviceStatus status) : status_(std::move(status)) {}
  [[nodiscard]] std::string_view name() const override { return "fake"; }
  std::vector<DeviceStatus> read() override { return {status_}; }

 private:
  DeviceStatus status_;
};

devices::SourceFactory driver_says(std::uint64_t total_bytes, std::uint64_t free_bytes) {
  DeviceStatus status;
  status.driver = "fake";
  status.memory_source = "fake";
  status.pci_bus_id = std::string(kPci);
  status.memory_total_bytes = total_bytes;
  status.memory_free_bytes = free_bytes;
  return [status] {
    devices::Sources sources;
    sources.list.push_back(std::make_unique<FakeDriver>(status));
    return sources;
  };
}

class PlannerTest : public testing::Test {
 protected:
  PlanJob job(const std::string& text) {
    PlanJob job;
    job.model_path = "m.gguf";
    job.base.context.n_ctx = 2048;
    job.driver_share_bytes = std::uint64_t{0};
    job.start.program.path = SCRIPTED_WORKER;
    job.start.environment = {{"SWEETSPOT_SCRIPT", text}};
    job.start.cancel = &cancel_;
    job.sources = [] { return devices::Sources{}; };
    return job;
  }

  static plan::PlanRecord planned(const PlanJob& job) {
    auto record = make_plan(job);
    if (!record) {
      ADD_FAILURE() << record.error().message;
      return {};
    }
    return *std::move(record);
  }

  static plan::DeviceBudget budget(const PlanJob& job) {
    const plan::PlanRecord record = planned(job);
    if (!record.plan.request.budgets || record.plan.request.budgets->devices.empty()) {
      ADD_FAILURE() << "no budget";
      return {};
    }
    return record.plan.request.budgets->devices.front();
  }

  process::CancelToken cancel_;
};

TEST_F(PlannerTest, ARecordSaysWhoAnsweredAndForWhat) {
  const plan::PlanRecord record = planned(job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB))));
  EXPECT_EQ(record.engine.llama_version, "scripted");
  EXPECT_EQ(record.model.n_layer, 22);
  ASSERT_THAT(record.targets, SizeIs(1));
  EXPECT_EQ(record.targets[0].device.id, "GPU0");
  EXPECT_FALSE(record.stand_in);
  EXPECT_GT(record.asked, 0U);
  EXPECT_GT(record.loads, 0U);
  EXPECT_FALSE(record.created_at.empty());
}

TEST_F(PlannerTest, TheDriversFreeMemoryIsTheBudgetOfABusyCard) {
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB, R"(, "pci_bus_id": "0000:01:00.0")")));
  asked.sources = driver_says(8 * kGiB, 3 * kGiB);
  asked.rules.percent = 100;
  const plan::DeviceBudget found = budget(asked);
  EXPECT_EQ(found.free_bytes, 3 * kGiB) << "not what ggml says";
  EXPECT_EQ(found.budget_bytes, 3 * kGiB);
}

TEST_F(PlannerTest, WithoutADriverGgmlsFiguresCount) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 4 * kGiB)));
  asked.rules.percent = 75;
  EXPECT_EQ(budget(asked).budget_bytes, 2 * kGiB) << "75 % of 8 less 4 in use";
}

TEST_F(PlannerTest, LimitPercentAndReserveEachTakeTheirPart) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.rules.percent = 50;
  EXPECT_EQ(budget(asked).budget_bytes, 4 * kGiB);
  asked.rules.limits_bytes = {6 * kGiB};
  EXPECT_EQ(budget(asked).budget_bytes, 3 * kGiB);
  asked.rules.reserve_bytes = 1 * kGiB;
  EXPECT_EQ(budget(asked).budget_bytes, 2 * kGiB);
  asked.rules.reserve_bytes = 100 * kGiB;
  EXPECT_EQ(budget(asked).budget_bytes, 0U) << "never below nothing";
}

TEST_F(PlannerTest, ADeviceWhoseMemoryNobodyKnowsNeedsALimit) {
  for (const auto& [total, free] :
       {std::pair<std::uint64_t, std::uint64_t>{0, 0}, {4 * kGiB, 5 * kGiB}, {0, 5 * kGiB}}) {
    PlanJob asked = job(planner_script(gpu("GPU0", total, free)));
    const auto refused = make_plan(asked);
    ASSERT_FALSE(refused) << total << " " << free;
    EXPECT_EQ(refused.error().kind, ErrorKind::device);
    EXPECT_THAT(refused.error().message, HasSubstr("GPU0"));
    EXPECT_THAT(refused.error().remedy, HasSubstr("--vram-limit"));
    asked.rules.limits_bytes = {2 * kGiB};
    asked.rules.percent = 100;
    EXPECT_EQ(budget(asked).budget_bytes, 2 * kGiB);
  }
}

TEST_F(PlannerTest, TheProcessorAloneNeedsNoDevice) {
  PlanJob asked = job(planner_script(""));
  asked.base.placement.devices = {"none"};
  const plan::PlanRecord record = planned(asked);
  EXPECT_FALSE(record.stand_in);
  EXPECT_THAT(record.targets, SizeIs(0));
  EXPECT_TRUE(record.plan.recommended) << "this machine's memory is known";
}

TEST_F(PlannerTest, WithoutOurOwnWorkerNobodyStandsInForACard) {
  PlanJob asked = job(planner_script(""));
  asked.start.engine_program = "/somewhere/llama-server";
  const plan::PlanRecord record = planned(asked);
  EXPECT_FALSE(record.stand_in);
  EXPECT_TRUE(uses_no_device(record.plan.request.base.placement));
  EXPECT_THAT(record.notices, Contains(HasSubstr("for the processor alone")));
  asked.rules.limits_bytes = {6 * kGiB};
  const auto refused = make_plan(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::device);
  EXPECT_THAT(refused.error().message, HasSubstr("own worker"));
}

TEST_F(PlannerTest, AnIntegratedDeviceGetsNoMoreThanTheHostHas) {
  const std::uint64_t more_than_any_machine = 1U << 20U;
  PlanJob asked = job(planner_script(gpu("iGPU0", more_than_any_machine * kGiB,
                                         more_than_any_machine * kGiB, R"(, "type": "igpu")")));
  asked.rules.percent = 100;
  const auto host = devices::this_machine().memory_total_bytes;
  ASSERT_TRUE(host);
  const plan::DeviceBudget found = budget(asked);
  EXPECT_LE(found.budget_bytes, *host);
  EXPECT_GT(found.budget_bytes, 0U);
}

TEST_F(PlannerTest, EachDeviceHasItsBudget) {
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB) + "," + gpu("GPU1", 4 * kGiB, 2 * kGiB)));
  asked.rules.percent = 100;
  const plan::PlanRecord record = planned(asked);
  ASSERT_TRUE(record.plan.request.budgets);
  const auto& budgets = record.plan.request.budgets->devices;
  ASSERT_THAT(budgets, SizeIs(2));
  EXPECT_EQ(budgets[0].budget_bytes, 8 * kGiB);
  EXPECT_EQ(budgets[1].budget_bytes, 2 * kGiB);
  EXPECT_THAT(record.notices, Contains(HasSubstr("--tensor-split")));
}

TEST_F(PlannerTest, UnequalLimitsAreThoseOfTheDevicesInOrder) {
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB) + "," + gpu("GPU1", 8 * kGiB, 8 * kGiB)));
  asked.rules.percent = 100;
  asked.rules.limits_bytes = {6 * kGiB, 2 * kGiB};
  const plan::PlanRecord record = planned(asked);
  EXPECT_FALSE(record.stand_in);
  const auto& budgets = record.plan.request.budgets->devices;
  ASSERT_THAT(budgets, SizeIs(2));
  EXPECT_EQ(budgets[0].budget_bytes, 6 * kGiB);
  EXPECT_EQ(budgets[1].budget_bytes, 2 * kGiB);
}

TEST_F(PlannerTest, AnotherNumberOfSizesThanOfNamedDevicesIsRefused) {
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB) + "," + gpu("GPU1", 8 * kGiB, 8 * kGiB)));
  asked.base.placement.devices = {"GPU1"};
  asked.rules.limits_bytes = {6 * kGiB, 2 * kGiB};
  const auto refused = make_plan(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("2 sizes for 1 device"));
}

TEST_F(PlannerTest, ADescribedHostIsJudgedInsteadOfThisOne) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.host = DescribedHost{32 * kGiB, 2 * kGiB};
  const plan::PlanRecord record = planned(asked);
  EXPECT_EQ(record.plan.request.budgets->host.available_bytes, Reading<std::uint64_t>(30 * kGiB));
  EXPECT_THAT(record.plan.request.budgets->host.source, HasSubstr("32.00 GiB"));
}

TEST_F(PlannerTest, OnlyDevicesThatAreNamedCount) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB) + "," + gpu("GPU1", 0, 0)));
  asked.base.placement.devices = {"GPU0"};
  const plan::PlanRecord record = planned(asked);
  EXPECT_THAT(record.targets, SizeIs(1));
  EXPECT_THAT(record.notices, Each(Not(HasSubstr("--tensor-split"))));
}

TEST_F(PlannerTest, AnUnknownDeviceIsNamedWithThoseThatAreHere) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.base.placement.devices = {"CUDA7"};
  const auto refused = make_plan(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::device);
  EXPECT_THAT(refused.error().message, HasSubstr("CUDA7"));
  EXPECT_THAT(refused.error().remedy, HasSubstr("GPU0"));
}

TEST_F(PlannerTest, AGuessedDriversShareIsSaid) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  EXPECT_THAT(planned(asked).notices, Each(Not(HasSubstr("driver"))));
  asked.driver_share_bytes = Absence{"not given"};
  EXPECT_THAT(planned(asked).notices, Contains(HasSubstr("driver's share")));
  EXPECT_GT(budget(asked).share.high_bytes, 0U);
}

TEST_F(PlannerTest, AGivenDriversShareIsCounted) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.driver_share_bytes = 8 * kGiB;
  const plan::PlanRecord record = planned(asked);
  ASSERT_TRUE(record.plan.fit);
  EXPECT_FALSE(record.plan.fit->fits);
  EXPECT_EQ(record.plan.fit->devices.at(0).needed_bytes,
            offloaded_bytes(record.plan.wanted.memory) + 8 * kGiB);
}

TEST_F(PlannerTest, ContextsBeyondTheTrainedOneNameTheirFlag) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.contexts = {2048, 8192};
  const auto column = make_plan(asked);
  ASSERT_FALSE(column);
  EXPECT_EQ(column.error().kind, ErrorKind::usage);
  EXPECT_THAT(column.error().message, AllOf(HasSubstr("--contexts 8192"), HasSubstr("4096")));
  asked.contexts.clear();
  asked.base.context.n_ctx = 8192;
  asked.n_ctx_is_default = false;
  const auto wanted = make_plan(asked);
  ASSERT_FALSE(wanted);
  EXPECT_THAT(wanted.error().message, HasSubstr("--ctx-size 8192"));
  asked.allow_beyond_trained_context = true;
  EXPECT_EQ(planned(asked).plan.wanted.n_ctx, 8192U);
}

TEST_F(PlannerTest, AContextThatNobodyAskedForIsShortenedToTheTrainedOne) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)));
  asked.base.context.n_ctx = 8192;
  EXPECT_EQ(planned(asked).plan.request.base.context.n_ctx, 4096U);
}

TEST_F(PlannerTest, WeightsOfBlocksThatStayOnTheHostAreSaid) {
  // The scripted model is a third larger than what its devices take of it.
  const std::string text =
      R"({"model": {"layers": 22, "bytes_per_layer": 50000000, "non_layer_bytes": 100000000},
          "memory": {"weights_left_on_host_bytes": 400000000},
          "devices": [)" +
      gpu("GPU0", 8 * kGiB, 8 * kGiB) + "]}";
  PlanJob asked = job(text);
  EXPECT_THAT(planned(asked).notices, Contains(AllOf(HasSubstr("286 MiB"), HasSubstr("host"))));
  asked.base.placement.n_cpu_ffn = 3;
  EXPECT_THAT(planned(asked).notices, Each(Not(HasSubstr("host")))) << "that was asked for";
  EXPECT_THAT(planned(job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB)))).notices,
              Each(Not(HasSubstr("host"))));
}

TEST_F(PlannerTest, ProgressIsToldAndACancelledPlanEnds) {
  PlanJob asked = job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB),
                                     R"({"at": "map", "progress": [0.5], "do": "hang"})"));
  double last = 0;
  asked.on_progress = [&](double fraction) {
    last = fraction;
    cancel_.cancel();
  };
  const auto ended = make_plan(asked);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::interrupted);
  EXPECT_DOUBLE_EQ(last, 0.5);
}

// A driver whose memory in use rises while a model is loaded.
class LoadedDriver : public devices::StatusSource {
 public:
  explicit LoadedDriver(const std::atomic<bool>& loaded) : loaded_(loaded) {}
  [[nodiscard]] std::string_view name() const override { return "fake"; }
  std::vector<DeviceStatus> read() override {
    DeviceStatus status;
    status.driver = "fake";
    status.driver_version = std::string("1.2");
    status.memory_source = "fake";
    status.pci_bus_id = std::string(kPci);
    status.memory_total_bytes = 8 * kGiB;
    status.memory_used_bytes = loaded_ ? 4 * kGiB : kGiB;
    status.memory_free_bytes = loaded_ ? 4 * kGiB : 7 * kGiB;
    return {status};
  }

 private:
  const std::atomic<bool>& loaded_;
};

TEST_F(PlannerTest, TheDriversShareIsMeasuredOnceAndKept) {
  std::atomic<bool> loaded = false;
  std::uint64_t buffers = 0;
  int trials = 0;
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB, R"(, "pci_bus_id": "0000:01:00.0")")));
  asked.driver_share_bytes = Absence{"not given"};
  asked.sources = [&loaded] {
    devices::Sources sources;
    sources.list.push_back(std::make_unique<LoadedDriver>(loaded));
    return sources;
  };
  const tests::TemporaryFolder folder;
  asked.driver_shares_path = folder.file("shares.json");
  asked.observer = [&](const Event& event) {
    const auto* step = std::get_if<TrialProgress>(&event);
    if (step != nullptr && step->phase == Phase::load) loaded = true;
    if (const auto* done = std::get_if<TrialFinished>(&event)) {
      buffers = offloaded_bytes(done->trial->memory);
      ++trials;
      loaded = false;
    }
  };
  const plan::DeviceBudget first = budget(asked);
  EXPECT_EQ(trials, 3);
  ASSERT_GT(buffers, 0U);
  EXPECT_TRUE(first.share.measured) << first.share.source;
  EXPECT_EQ(first.share.high_bytes, 3 * kGiB - buffers);
  EXPECT_EQ(first.share.low_bytes, 3 * kGiB - buffers);
  EXPECT_THAT(first.share.source, HasSubstr("measured 20"));
  const plan::DeviceBudget second = budget(asked);
  EXPECT_EQ(trials, 3) << "kept";
  EXPECT_EQ(second.share.high_bytes, first.share.high_bytes);
}

TEST_F(PlannerTest, AShareThatCannotBeMeasuredIsTheStatedDefaultWithTheReason) {
  PlanJob asked =
      job(planner_script(gpu("GPU0", 8 * kGiB, 8 * kGiB, R"(, "pci_bus_id": "0000:01:00.0")"),
                         R"({"at": "load", "do": "abort"})"));
  asked.driver_share_bytes = Absence{"not given"};
  const std::atomic<bool> loaded = false;
  asked.sources = [&loaded] {
    devices::Sources sources;
    sources.list.push_back(std::make_unique<LoadedDriver>(loaded));
    return sources;
  };
  asked.driver_shares_path = testing::TempDir() + "sweetspot-planner-no-such-folder/shares.json";
  const plan::PlanRecord record = planned(asked);
  ASSERT_TRUE(record.plan.request.budgets);
  EXPECT_FALSE(record.plan.request.budgets->devices.front().share.measured);
  EXPECT_THAT(record.notices, Contains(HasSubstr("driver's share was not measured")));
}

}  // namespace
}  // namespace sweetspot::profiler
