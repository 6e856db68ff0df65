// The loop with a scripted worker and a scripted driver: what a sweep makes of what they do.

#include "profiler/profiler.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>

#include "core/json.hpp"
#include "core/no_device.hpp"
#include "ground/bytes.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::profiler {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCard = "0000:01:00.0";

constexpr const char* kHealthy = R"(
  {"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8589934592, "free_bytes": 8589934592,
                "pci_bus_id": "0000:01:00.0"}],
   "model": {"layers": 22, "bytes_per_layer": 50000000, "non_layer_bytes": 100000000}, "rules": [RULES]})";

std::string script(const std::string& rules = "") {
  std::string text = kHealthy;
  return text.replace(text.find("RULES"), 5, rules);
}

/// A driver whose memory in use is a function of how often it was asked.
class ChangingDriver : public devices::StatusSource {
 public:
  using Used = std::function<std::uint64_t(int reads)>;
  using Tweak = std::function<void(DeviceStatus&)>;  ///< what is different about this driver
  explicit ChangingDriver(Used used, Tweak tweak = {})
      : used_(std::move(used)), tweak_(std::move(tweak)) {}

  [[nodiscard]] std::string_view name() const override { return "fake"; }

  std::vector<DeviceStatus> read() override {
    DeviceStatus status;
    status.driver = "fake";
    status.memory_source = "fake";
    status.pci_bus_id = std::string(kCard);
    const std::uint64_t used = used_(reads_++);
    status.memory_total_bytes = 8 * kGiB;
    status.memory_used_bytes = used;
    status.memory_free_bytes = 8 * kGiB - used;
    status.temperature_c = 50.0 + reads_;
    status.utilisation_percent = 5.0;  // more while nothing is asked of it would be others
    status.throttle_reasons = std::vector<std::string>{};
    if (tweak_) tweak_(status);
    return {status};
  }

 private:
  Used used_;
  Tweak tweak_;
  int reads_ = 0;
};

devices::SourceFactory driver(ChangingDriver::Used used, ChangingDriver::Tweak tweak = {}) {
  return [used = std::move(used), tweak = std::move(tweak)] {
    devices::Sources sources;
    sources.list.push_back(std::make_unique<ChangingDriver>(used, tweak));
    return sources;
  };
}

class ProfilerTest : public testing::Test {
 protected:
  Request request(const std::string& text) {
    Request request;
    request.model_path = folder_.file("m.gguf");
    request.max_seconds = 1;
    request.start.program.path = SCRIPTED_WORKER;
    request.start.environment = {{"SWEETSPOT_SCRIPT", text}};
    request.start.cancel = &cancel_;
    request.sources = driver([](int) { return kGiB; });
    return request;
  }

  static RunOutcome run(Request request, const std::vector<int>& layers,
                        const Observer& observer = {}) {
    auto profiler = Profiler::open(std::move(request));
    if (!profiler) {
      ADD_FAILURE() << profiler.error().message;
      return {};
    }
    return profiler->run(layers, "custom", observer);
  }

  process::CancelToken cancel_;
  tests::TemporaryFolder folder_;
};

// A file, and what inspecting it said before it was changed.
class ChangedFile : public ProfilerTest {
 protected:
  ChangedFile() {
    std::ofstream(path()) << "weights";
    EXPECT_EQ(::stat(path().c_str(), &before_), 0);
  }

  [[nodiscard]] std::string path() const { return folder_.file("m.gguf"); }

  // Of what was changed on purpose only that shall differ.
  void restore_time(const std::string& path) const {
    const std::array<timespec, 2> times = {before_.st_atim, before_.st_mtim};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
  }

  [[nodiscard]] struct stat now() const {
    struct stat info = {};
    EXPECT_EQ(::stat(path().c_str(), &info), 0);
    return info;
  }

  [[nodiscard]] Trial trial() {
    const auto time =
        before_.st_mtim.tv_sec * std::int64_t{1'000'000'000} + before_.st_mtim.tv_nsec;
    const std::string files = fmt::format(
        R"("files": [{{"path": "{}", "size_bytes": {}, "mtime_ns": {}, "inode": {}}}], )", path(),
        before_.st_size, time, before_.st_ino);
    std::string text = script();
    text.insert(text.find("\"layers\""), files);
    const RunOutcome outcome = run(request(text), {10});
    return outcome.run.results.empty() ? Trial{} : outcome.run.results.front();
  }

  void expect_noticed() {
    const Trial noticed = trial();
    ASSERT_TRUE(noticed.failure);
    EXPECT_EQ(noticed.failure->failure_class, FailureClass::model_invalid);
    EXPECT_THAT(noticed.failure->message, HasSubstr("the model file changed"));
  }

  struct stat before_ = {};  // NOLINT(readability-identifier-naming): protected for the tests
};

TEST_F(ChangedFile, IsNoneWhereNothingChanged) { EXPECT_TRUE(trial().measured()); }

TEST_F(ChangedFile, OfAnotherSizeIsNoticed) {
  std::ofstream(path(), std::ios::app) << "more";
  restore_time(path());
  ASSERT_EQ(now().st_ino, before_.st_ino);
  expect_noticed();
}

TEST_F(ChangedFile, OfAnotherTimeIsNoticed) {
  ++before_.st_mtim.tv_nsec;  // the smallest step there is
  restore_time(path());
  --before_.st_mtim.tv_nsec;
  ASSERT_EQ(now().st_size, before_.st_size);
  ASSERT_EQ(now().st_ino, before_.st_ino);
  expect_noticed();
}

TEST_F(ChangedFile, ThatIsAnotherOneIsNoticed) {
  std::ofstream(path() + ".new") << "WEIGHTS";
  restore_time(path() + ".new");
  std::filesystem::rename(path() + ".new", path());
  ASSERT_EQ(now().st_size, before_.st_size);
  ASSERT_EQ(now().st_mtim.tv_nsec, before_.st_mtim.tv_nsec);
  ASSERT_NE(now().st_ino, before_.st_ino);
  expect_noticed();
}

TEST_F(ChangedFile, ThatIsGoneIsNoticed) {
  std::filesystem::remove(path());
  expect_noticed();
}

TEST_F(ProfilerTest, ARowPerConfigurationAndProfilesWithTheirProof) {
  const RunOutcome outcome = run(request(script()), {0, 10, -1, 23, 99});
  const sweetspot::Run& measured = outcome.run;
  ASSERT_EQ(measured.results.size(), 4U);
  EXPECT_TRUE(uses_no_device(measured.results[0].config.placement));
  EXPECT_EQ(measured.results[0].vram_percent, 0.0) << "whatever others use";
  EXPECT_FALSE(uses_no_device(measured.results[1].config.placement));
  EXPECT_EQ(measured.results[1].layers, 0);
  EXPECT_THAT(measured.results[3].requested_layers, ElementsAre(-1, 23, 99));
  EXPECT_TRUE(measured.settings.complete);
  ASSERT_EQ(measured.profiles.size(), 4U);
  ASSERT_TRUE(measured.profiles[3].result_index);
  EXPECT_EQ(measured.profiles[3].result_index, 0U) << "the CPU alone, not 0 layers beside the card";
  for (const Trial& trial : measured.results) {
    EXPECT_TRUE(trial.measured());
    EXPECT_EQ(trial.full_depth, FullDepth::verified) << trial.full_depth_note;
    EXPECT_TRUE(trial.prompt);
    EXPECT_TRUE(trial.load_seconds);
  }
}

TEST_F(ProfilerTest, TheCpuAloneIsMeasuredOnADeviceThatOthersHaveFilled) {
  std::string text = script();
  text.insert(text.rfind("\"rules\""), R"("memory": {"beside_bytes": 20000000}, )");
  Request asked = request(text);
  asked.sources = driver([](int) { return 8 * kGiB; });
  auto profiler = Profiler::open(asked);
  ASSERT_TRUE(profiler) << profiler.error().message;
  const RunOutcome outcome = profiler->run_adaptively({});
  ASSERT_EQ(outcome.run.results.size(), 1U) << "0 layers beside the card have no room either";
  EXPECT_TRUE(outcome.run.results[0].measured());
  EXPECT_TRUE(uses_no_device(outcome.run.results[0].config.placement));
  EXPECT_EQ(outcome.run.analysis.optimum, 0U);
  EXPECT_EQ(outcome.run.profiles.at(0).result_index, 0U) << "it lies in the lowest band";
  EXPECT_EQ(outcome.run.profiles.at(3).result_index, 0U);
}

TEST_F(ProfilerTest, WhatCannotFitIsARowThatWasNotLoaded) {
  Request asked = request(script());
  asked.vram_limit_bytes = std::uint64_t{800} << 20U;
  asked.sources = driver([](int) { return 0; });
  const RunOutcome outcome = run(asked, {0, 5, 23});
  ASSERT_EQ(outcome.run.results.size(), 4U);
  const Trial& large = outcome.run.results[3];
  ASSERT_TRUE(large.failure);
  EXPECT_EQ(large.failure->failure_class, FailureClass::does_not_fit);
  EXPECT_THAT(large.failure->message, HasSubstr("on GPU0"));
  EXPECT_THAT(large.failure->message, HasSubstr("--try-anyway"));
  EXPECT_FALSE(large.load_seconds) << "it must not be loaded";
  ASSERT_TRUE(large.predicted);
  EXPECT_EQ(large.missing_bytes, offloaded_bytes(*large.predicted) - (std::uint64_t{800} << 20U));
  for (const std::size_t i : {0U, 1U, 2U}) {
    const Trial& trial = outcome.run.results[i];
    EXPECT_TRUE(trial.measured()) << i;
    EXPECT_EQ(trial.predicted, Reading<MemoryMap>(trial.memory)) << i;
    EXPECT_EQ(trial.missing_bytes, std::uint64_t{0}) << i;
  }

  asked.try_anyway = true;
  const RunOutcome tried = run(std::move(asked), {23});
  EXPECT_TRUE(tried.run.results[0].measured());
  EXPECT_GT(tried.run.results[0].missing_bytes.value_or(0), 0U) << "and still known";
}

TEST_F(ProfilerTest, WithoutAForecastEverythingIsMeasuredAndTheReasonIsSaid) {
  std::vector<std::string> notices;
  const RunOutcome outcome =
      run(request(script(R"({"at": "map", "do": "fault", "code": "unsupported",
                             "message": "no memory breakdown"})")),
          {0, 23}, [&](const Event& event) {
            if (const auto* notice = std::get_if<Notice>(&event)) notices.push_back(notice->text);
          });
  EXPECT_TRUE(outcome.run.results.back().measured());
  EXPECT_FALSE(outcome.run.results.back().predicted);
  EXPECT_THAT(notices, Contains(HasSubstr("no memory breakdown")));
}

TEST_F(ProfilerTest, MemoryTheDriverSeesRiseIsOurs) {
  // 1 GiB in use by others; from the third reading on 3 GiB more. The numbers of readings before
  // and during a trial depend on timing, so the rise is asserted as a bound.
  std::atomic<bool> loaded = false;
  Request asked = request(script());
  asked.sources = driver([&loaded](int) { return loaded ? 4 * kGiB : kGiB; });
  const RunOutcome outcome = run(std::move(asked), {23}, [&loaded](const Event& event) {
    const auto* step = std::get_if<TrialProgress>(&event);
    if (step != nullptr && step->phase == Phase::load) loaded = true;
  });
  ASSERT_EQ(outcome.run.results.size(), 1U);
  const Trial& trial = outcome.run.results[0];
  EXPECT_EQ(trial.driver_rise_bytes, 3 * kGiB);
  EXPECT_EQ(trial.used_by_others_bytes, kGiB);
  EXPECT_EQ(trial.vram_source, "driver");
  EXPECT_DOUBLE_EQ(*trial.vram_percent, 50.0);
  EXPECT_TRUE(trial.telemetry.utilisation_percent);
}

TEST_F(ProfilerTest, MemoryThatDoesNotComeBackIsSaid) {
  std::atomic<bool> loaded = false;
  Request asked = request(script());
  asked.sources = driver([&loaded](int) { return loaded ? 2 * kGiB : kGiB; });
  const RunOutcome outcome = run(std::move(asked), {0, 23}, [&loaded](const Event& event) {
    if (std::holds_alternative<TrialFinished>(event)) loaded = true;
  });
  ASSERT_EQ(outcome.run.results.size(), 3U);
  EXPECT_THAT(outcome.run.results[0].notes, testing::Not(Contains(HasSubstr("return"))));
  EXPECT_THAT(outcome.run.results[1].notes, Contains(HasSubstr("return")));
}

/// A worker that takes its time and never meets the precision, so that drivers are seen meanwhile.
std::string unhurried_script() {
  std::string text = script();
  return text.insert(text.rfind("\"rules\""),
                     R"("speed": {"gpu_ms": 5, "noise": 0.4, "real_time": true}, )");
}

TEST_F(ProfilerTest, MemoryTakenByOthersMeanwhileIsMeasuredAgain) {
  std::atomic<bool> taken = false;
  Request asked = request(unhurried_script());
  asked.sources = driver([&taken](int) { return taken ? 3 * kGiB : kGiB; });
  const RunOutcome outcome = run(std::move(asked), {23}, [&taken](const Event& event) {
    const auto* step = std::get_if<TrialProgress>(&event);
    if (step != nullptr && step->phase == Phase::generation && step->fraction > 0.5) taken = true;
  });
  const Trial& trial = outcome.run.results.at(0);
  ASSERT_TRUE(trial.measured());
  EXPECT_THAT(trial.notes, Contains(HasSubstr("measured again, because it was contended")));
  EXPECT_THAT(trial.disturbances, testing::IsEmpty()) << "the second time was quiet";
}

TEST_F(ProfilerTest, AThrottledTrialSaysSoAndIsRecommendedWithItsLabel) {
  Request asked = request(unhurried_script());
  asked.sources = driver([](int) { return kGiB; },
                         [](DeviceStatus& status) {
                           status.throttle_reasons = std::vector<std::string>{"power cap"};
                         });
  const RunOutcome outcome = run(std::move(asked), {0, 23});
  EXPECT_THAT(outcome.run.results.at(0).disturbances, testing::IsEmpty()) << "it uses no device";
  const Trial& trial = outcome.run.results.at(2);
  EXPECT_THAT(trial.disturbances, ElementsAre(Disturbance::throttled));
  EXPECT_THAT(trial.notes, Contains(HasSubstr("throttled: power cap for")));
  ASSERT_EQ(outcome.run.analysis.optimum, 2U);
  EXPECT_THAT(outcome.run.profiles.at(0).recommended_for, HasSubstr("throttled"));
}

TEST_F(ProfilerTest, MemoryThatTheDriverPagesOutIsASpillAndNeverRecommended) {
  std::atomic<bool> loaded = false;
  Request asked = request(script());
  asked.sources = driver(
      [&loaded](int) { return loaded ? 8 * kGiB - kGiB / 4 : kGiB; },
      [&loaded](DeviceStatus& status) { status.spilled_bytes = loaded ? 3 * kGiB : kGiB / 8; });
  asked.bands.performance_percent = 100;
  const RunOutcome outcome = run(std::move(asked), {23}, [&loaded](const Event& event) {
    const auto* step = std::get_if<TrialProgress>(&event);
    if (step != nullptr && step->phase == Phase::load) loaded = true;
  });
  const Trial& trial = outcome.run.results.at(0);
  EXPECT_THAT(trial.disturbances, ElementsAre(Disturbance::spilled));
  EXPECT_THAT(trial.notes, Contains(HasSubstr("spilled: GPU0 pages 2.88 GiB")));
  EXPECT_FALSE(outcome.run.analysis.optimum);
}

TEST_F(ProfilerTest, HalfASecondOfWorkHasNoJoules) {
  Request asked = request(unhurried_script());
  asked.sources = driver([](int) { return kGiB; },
                         [](DeviceStatus& status) {
                           status.power_w = 100.0;
                           status.power_source = "power-average";
                         });
  const RunOutcome outcome = run(std::move(asked), {0, 23});
  for (const Trial& trial : outcome.run.results) {
    ASSERT_TRUE(trial.measured());
    EXPECT_FALSE(trial.generation->joules_per_token) << trial.layers;
    EXPECT_EQ(trial.generation->energy_source, "");
  }
  EXPECT_THAT(outcome.run.results[2].generation->joules_per_token.reason(),
              HasSubstr("say nothing of power"));
  EXPECT_THAT(outcome.run.results[0].generation->joules_per_token.reason(),
              HasSubstr("no device with layers"));
}

TEST_F(ProfilerTest, AnUnknownDeviceEndsBeforeAnythingIsMeasured) {
  Request asked = request(script());
  asked.base.placement.devices = {"CUDA7"};
  const auto profiler = Profiler::open(std::move(asked));
  ASSERT_FALSE(profiler);
  EXPECT_EQ(profiler.error().kind, ErrorKind::device);
  EXPECT_THAT(profiler.error().message, HasSubstr("CUDA7"));
  EXPECT_THAT(profiler.error().remedy, HasSubstr("GPU0"));
}

TEST_F(ProfilerTest, AContextBeyondTrainingNeedsPermission) {
  Request asked = request(script());
  asked.base.context.n_ctx = 8192;
  asked.n_ctx_is_default = false;
  EXPECT_EQ(Profiler::open(asked).error().kind, ErrorKind::usage);
  asked.allow_beyond_trained_context = true;
  EXPECT_TRUE(Profiler::open(asked));
}

TEST_F(ProfilerTest, ADefaultContextShrinksToTheModelsInsteadOfBlamingTheUser) {
  std::string text = script();
  text.insert(text.find("\"layers\""), "\"n_ctx_train\": 2048, ");
  const auto profiler = Profiler::open(request(text));
  ASSERT_TRUE(profiler) << profiler.error().message;
  EXPECT_EQ(profiler->prepared().base_config.context.n_ctx, 2048U);
}

/// 22 blocks on the CPU, a step of 40 ms without noise.
Request steady_request(Request asked, const std::string& text, std::uint32_t n_parallel) {
  std::string steady = text;
  steady.insert(1, R"("speed": {"cpu_ms": 40, "noise": 0}, )");
  asked.start.environment = {{"SWEETSPOT_SCRIPT", steady}};
  asked.base.context.n_parallel = n_parallel;
  return asked;
}

TEST_F(ProfilerTest, SequencesSideBySideAreMeasuredTogether) {
  const std::string text = script().substr(script().find('{'));
  const RunOutcome outcome = run(steady_request(request(""), text, 4), {0});
  const Trial& trial = outcome.run.results.at(0);
  ASSERT_TRUE(trial.measured()) << trial.failure->message;
  EXPECT_EQ(outcome.run.workload.n_parallel, 4U);
  EXPECT_EQ(trial.workload.n_parallel, 4U);
  EXPECT_DOUBLE_EQ(trial.generation->ms_per_token.value, 40.0 / 4) << "a step has 4 tokens";
  EXPECT_EQ(trial.generation->raw.front().tokens, 4U);
  EXPECT_EQ(trial.prompt->raw.front().tokens, trial.workload.n_prompt) << "one prompt at a time";
  EXPECT_EQ(trial.full_depth, FullDepth::verified);
  EXPECT_EQ(trial.full_depth_note, "4 sequences of 1024 tokens each, filled by decode");
  EXPECT_DOUBLE_EQ(trial.full_depth_ms->value, 40.0 / 4);
}

TEST_F(ProfilerTest, EverySequenceNeedsRoomForTheWorkload) {
  Request asked = request(script());
  asked.n_ctx_is_default = false;
  asked.base.context.n_ctx = 2048;
  asked.base.context.n_parallel = 4;
  EXPECT_TRUE(Profiler::open(asked)) << "4 prompts of 512 tokens";
  asked.workload.n_depth = 1;
  const auto profiler = Profiler::open(asked);
  ASSERT_FALSE(profiler);
  EXPECT_EQ(profiler.error().kind, ErrorKind::usage);
  EXPECT_EQ(profiler.error().message,
            "4 sequences of the workload need 2052 tokens of context, --ctx-size gives 2048");
  EXPECT_THAT(profiler.error().remedy, HasSubstr("--parallel"));
}

TEST_F(ProfilerTest, ASequenceMayBeAsLongAsTheModelWasTrainedFor) {
  Request asked = request(script());
  asked.n_ctx_is_default = false;
  asked.base.context.n_ctx = 4 * 4096;
  asked.base.context.n_parallel = 4;
  EXPECT_TRUE(Profiler::open(asked)) << "4096 tokens each";
  asked.base.context.kv_unified = true;
  EXPECT_EQ(Profiler::open(asked).error().kind, ErrorKind::usage) << "one may have them all";
  asked.base.context.kv_unified = false;
  asked.base.context.n_ctx += 1;
  EXPECT_THAT(Profiler::open(asked).error().message, HasSubstr("4 times the 4096 tokens"));
}

TEST_F(ProfilerTest, AModelThatCannotBeReadIsTheModelsFault) {
  const auto profiler =
      Profiler::open(request(script(R"({"at": "inspect", "do": "fault", "code": "header-invalid",
                         "message": "the file ends early"})")));
  ASSERT_FALSE(profiler);
  EXPECT_EQ(profiler.error().kind, ErrorKind::model);
}

TEST_F(ProfilerTest, EachTrialIsOnDiskBeforeTheNextStarts) {
  Request asked = request(script());
  asked.output_path = folder_.file("run.json");
  std::vector<std::size_t> rows_on_disk;
  run(asked, {0, 10, 23}, [&](const Event& event) {
    if (!std::holds_alternative<TrialStarted>(event)) return;
    std::ifstream file(asked.output_path);
    rows_on_disk.push_back(file ? Json::parse(file).at("results").size() : 0);
  });
  EXPECT_THAT(rows_on_disk, ElementsAre(0, 1, 2, 3));
}

TEST_F(ProfilerTest, AFileThatCannotBeWrittenIsSaidOnceAndMeasuringGoesOn) {
  Request asked = request(script());
  asked.output_path = folder_.file("gone/run.json");
  int notices = 0;
  const RunOutcome outcome = run(std::move(asked), {0, 10, 23}, [&](const Event& event) {
    notices += std::holds_alternative<Notice>(event) ? 1 : 0;
  });
  EXPECT_EQ(notices, 1);
  EXPECT_EQ(outcome.run.results.size(), 4U);
  ASSERT_TRUE(outcome.save_error);
  EXPECT_EQ(outcome.save_error->kind, ErrorKind::output);
}

TEST_F(ProfilerTest, CancellingKeepsWhatWasMeasured) {
  const RunOutcome outcome = run(request(script()), {0, 5, 10, 15, 23}, [this](const Event& event) {
    const auto* started = std::get_if<TrialStarted>(&event);
    if (started != nullptr && started->index == 2) cancel_.cancel();
  });
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.run.settings.complete);
  ASSERT_EQ(outcome.run.results.size(), 3U);
  EXPECT_TRUE(outcome.run.results[1].measured());
  EXPECT_EQ(outcome.run.results[2].failure->failure_class, FailureClass::cancelled);
}

TEST_F(ProfilerTest, AWorkerThatCannotBeEndedStopsFurtherTrials) {
  Request asked = request(script());
  auto opened = Profiler::open(asked);
  ASSERT_TRUE(opened);
  // From now on nothing that is killed is ever seen to end, as in uninterruptible sleep.
  asked.start.process_table = process::system_process_table();
  const auto reap = asked.start.process_table->reap;
  std::vector<pid_t> unreaped;
  asked.start.process_table->reap = [&unreaped](pid_t pid) -> std::optional<process::ExitStatus> {
    unreaped.push_back(pid);
    return std::nullopt;
  };
  asked.start.deadlines.kill_seconds = 0.2;
  const RunOutcome outcome = run(asked, {0, 10, 23});
  EXPECT_TRUE(outcome.device_stuck);
  ASSERT_EQ(outcome.run.results.size(), 4U);
  EXPECT_TRUE(outcome.run.results[0].measured());
  EXPECT_EQ(outcome.run.results[1].failure->failure_class, FailureClass::device_lost);
  EXPECT_EQ(outcome.run.results[2].failure->failure_class, FailureClass::device_lost);
  for (const pid_t pid : unreaped) reap(pid);
}

TEST_F(ProfilerTest, ASlowFullDepthIsSkippedWithTheReasonAndCanBeForced) {
  Request asked = request(script());
  asked.full_depth_budget_seconds = 0;
  const RunOutcome skipped = run(asked, {0});
  EXPECT_EQ(skipped.run.results[0].full_depth, FullDepth::not_tried);
  EXPECT_THAT(skipped.run.results[0].full_depth_note, HasSubstr("--full-depth always"));
  asked.full_depth = FullDepthPolicy::always;
  EXPECT_EQ(run(asked, {0}).run.results[0].full_depth, FullDepth::verified);
  asked.full_depth = FullDepthPolicy::never;
  EXPECT_EQ(run(asked, {0}).run.results[0].full_depth, FullDepth::not_tried);
}

// 4096 tokens take 8 s on the CPU, which must decode them all.
TEST_F(ProfilerTest, AContextThatMustBeDecodedIsTriedLongerWhereLayersLieOnADevice) {
  const std::string text = R"({"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8589934592,
                          "free_bytes": 8589934592, "pci_bus_id": "0000:01:00.0"}],
             "model": {"layers": 22, "n_ctx_train": 4096, "recurrent": true},
             "speed": {"cpu_ms": 40, "gpu_ms": 39}})";
  Request asked = request(text);
  asked.base.context.n_ctx = 4096;
  const RunOutcome outcome = run(asked, {0, 23});
  for (const Trial& trial : outcome.run.results) {
    EXPECT_EQ(trial.full_depth, trial.layers > 0 ? FullDepth::verified : FullDepth::not_tried)
        << trial.layers << " " << trial.full_depth_note;
  }
}

}  // namespace
}  // namespace sweetspot::profiler
