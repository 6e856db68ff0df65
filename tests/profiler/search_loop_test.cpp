// The loop when the search asks: what becomes of a sweep's and a tune's steps with a scripted
// worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/no_device.hpp"
#include "profiler/profiler.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// 22 blocks of 200 MB on a device of 8 GiB: everything is 58 % of it.
std::string loop_script(const std::string& rules = "") {
  return R"({"devices": [{"id": "GPU0", "type": "gpu", "total_bytes": 8589934592,
                          "free_bytes": 8589934592, "pci_bus_id": "0000:01:00.0"}],
             "model": {"layers": 22, "bytes_per_layer": 200000000, "non_layer_bytes": 100000000},
             "speed": {"cpu_ms": 40, "gpu_ms": 5, "noise": 0.004}, "rules": [)" +
         rules + "]}";
}

class SearchLoopTest : public testing::Test {
 protected:
  Request request(const std::string& text) {
    Request request;
    request.model_path = folder_.file("m.gguf");
    request.max_seconds = 1;
    request.output_path = folder_.file("run.json");
    request.start.program.path = SCRIPTED_WORKER;
    request.start.environment = {{"SWEETSPOT_SCRIPT", text}};
    request.start.cancel = &cancel_;
    request.sources = [] { return devices::Sources{}; };  // nobody but llama.cpp tells of memory
    return request;
  }

  RunOutcome sweep(const std::string& text, const Observer& observer = {}) {
    auto profiler = Profiler::open(request(text));
    if (!profiler) {
      ADD_FAILURE() << profiler.error().message;
      return {};
    }
    return profiler->run_adaptively(observer);
  }

  RunOutcome tune(const std::string& text, const TuneJob& job, const Observer& observer = {}) {
    Request asked = request(text);
    asked.as_request = true;
    auto profiler = Profiler::open(std::move(asked));
    if (!profiler) {
      ADD_FAILURE() << profiler.error().message;
      return {};
    }
    return profiler->tune(job, observer);
  }

  static TuneJob job() {
    TuneJob one;
    one.workload_name = "custom";
    return one;
  }

  // Ctrl-C when the trial of that number begins.
  Observer cancel_at(std::size_t index) {
    return [this, index](const Event& event) {
      const auto* started = std::get_if<TrialStarted>(&event);
      if (started != nullptr && started->index == index) cancel_.cancel();
    };
  }

  [[nodiscard]] Json on_disk() const {
    std::ifstream file(folder_.file("run.json"));
    return Json::parse(file);
  }

  process::CancelToken cancel_;
  tests::TemporaryFolder folder_;
};

const Decision& decision(const Run& run, const std::string& name) {
  for (const Decision& one : run.sweep->decisions) {
    if (one.name == name) return one;
  }
  throw std::out_of_range(name);
}

TEST_F(SearchLoopTest, AnAdaptiveRunMeasuresAFewAndPredictsTheRest) {
  const RunOutcome outcome = sweep(loop_script());
  const sweetspot::Run& run = outcome.run;
  EXPECT_EQ(run.settings.mode, "adaptive");
  EXPECT_TRUE(run.settings.complete);
  EXPECT_LE(run.results.size(), 9U);
  ASSERT_TRUE(run.sweep);
  EXPECT_THAT(run.sweep->ended, Not(IsEmpty()));
  ASSERT_THAT(run.sweep->curve, SizeIs(24));
  std::set<int> measured;
  for (const Trial& trial : run.results) {
    const bool beside = trial.layers == 0 && !uses_no_device(trial.config.placement);
    EXPECT_EQ(beside, &trial == &run.results[1]) << "after the CPU alone";
    EXPECT_NE(measured.insert(trial.layers).second, beside) << "completed, not repeated";
    EXPECT_THAT(trial.reason, Not(IsEmpty()));
  }
  for (const CurvePoint& point : run.sweep->curve) {
    EXPECT_EQ(point.standing,
              measured.contains(point.layers) ? Standing::measured : Standing::predicted)
        << point.layers;
    EXPECT_TRUE(point.generation_ms) << point.layers;
  }
  EXPECT_EQ(decision(run, "optimum").layers, 23);
}

TEST_F(SearchLoopTest, ProfilesRestOnRowsThatWereMeasuredInFull) {
  const RunOutcome outcome = sweep(loop_script());
  int proofs = 0;
  for (const Profile& profile : outcome.run.profiles) {
    if (!profile.result_index) continue;
    ++proofs;
    EXPECT_EQ(outcome.run.results[*profile.result_index].extent, Extent::full) << profile.name;
  }
  EXPECT_GE(proofs, 3);
}

TEST_F(SearchLoopTest, OutOfMemoryIsTheEndOfTheCurveNotOfTheRun) {
  const RunOutcome outcome = sweep(loop_script(
      R"({"at": "load", "if": {"layers_from": 15}, "do": "fault", "code": "model-null",
          "message": "no",
          "log": ["ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4000.00 MiB on device 0: )"
      R"(cudaMalloc failed: out of memory"]})"));
  EXPECT_EQ(decision(outcome.run, "optimum").layers, 14);
  EXPECT_EQ(outcome.run.sweep->curve.back().standing, Standing::not_tried);
  EXPECT_THAT(outcome.run.sweep->curve.back().note, HasSubstr("out-of-device-memory"));
}

TEST_F(SearchLoopTest, AnInterruptedSweepKeepsWhatItKnows) {
  const RunOutcome outcome = sweep(loop_script(), cancel_at(2));
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.run.settings.complete);
  ASSERT_TRUE(outcome.run.sweep);
  EXPECT_THAT(outcome.run.sweep->ended, HasSubstr("interrupted"));
  EXPECT_THAT(outcome.run.sweep->curve, SizeIs(24));
  EXPECT_FALSE(on_disk().at("complete").get<bool>());
}

TEST_F(SearchLoopTest, ATuneBeginsWithTheDefaultsAndEndsWithAVerdict) {
  const RunOutcome outcome = tune(loop_script(), job());
  const sweetspot::Run& run = outcome.run;
  EXPECT_EQ(run.settings.mode, "tune");
  EXPECT_TRUE(run.settings.complete);
  ASSERT_TRUE(run.tune);
  EXPECT_EQ(run.tune->workload, "custom");
  EXPECT_EQ(run.tune->ended, "everything is decided");
  EXPECT_THAT(run.tune->verdict, Not(IsEmpty()));
  ASSERT_TRUE(run.tune->baseline);
  ASSERT_TRUE(run.tune->winner);
  EXPECT_THAT(run.results.front().title, HasSubstr("defaults"));
  EXPECT_EQ(run.results[*run.tune->baseline].config, run.results.front().config);
  for (const Trial& trial : run.results) {
    EXPECT_THAT(trial.title, Not(IsEmpty()));
    EXPECT_THAT(trial.reason, Not(IsEmpty()));
  }
  EXPECT_EQ(on_disk().at("tune").at("verdict"), run.tune->verdict);
}

TEST_F(SearchLoopTest, ATuneIsKeptAfterEveryTrial) {
  std::vector<std::size_t> rows;
  tune(loop_script(), job(), [&](const Event& event) {
    if (std::holds_alternative<TrialStarted>(event) &&
        std::filesystem::exists(folder_.file("run.json"))) {
      rows.push_back(on_disk().at("results").size());
      EXPECT_TRUE(on_disk().at("tune").at("baseline").is_number());
    }
  });
  ASSERT_GE(rows.size(), 3U);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(rows[i], i + 1);
}

TEST_F(SearchLoopTest, ATuneWithoutTimeMeasuresItsBaselineAndDecidesNothing) {
  TuneJob hurried = job();
  hurried.max_seconds = 0;
  const RunOutcome outcome = tune(loop_script(), hurried);
  EXPECT_THAT(outcome.run.results, SizeIs(1));
  EXPECT_TRUE(outcome.run.tune->baseline);
  EXPECT_FALSE(outcome.run.tune->winner);
  EXPECT_THAT(outcome.run.tune->verdict, HasSubstr("not decided"));
  EXPECT_THAT(outcome.run.tune->ended, HasSubstr("time"));
}

TEST_F(SearchLoopTest, AnInterruptedTuneKeepsTheBestSoFar) {
  const RunOutcome outcome = tune(loop_script(), job(), cancel_at(3));
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.run.tune->ended, "interrupted");
  ASSERT_TRUE(outcome.run.tune->winner);
  EXPECT_TRUE(outcome.run.results[*outcome.run.tune->winner].measured());
  EXPECT_EQ(on_disk().at("tune").at("ended"), "interrupted");
}

TEST_F(SearchLoopTest, KnobsTheUserChoseStayInEveryTrial) {
  TuneJob fixed = job();
  fixed.fixed_knobs = {"n_ubatch", "flash_attn", "n_threads", "kv_offload"};
  const RunOutcome outcome = tune(loop_script(), fixed);
  const ContextSettings base;
  for (const Trial& trial : outcome.run.results) {
    EXPECT_EQ(trial.config.context.n_ubatch, base.n_ubatch) << trial.title;
    EXPECT_EQ(trial.config.context.flash_attn, base.flash_attn) << trial.title;
    EXPECT_EQ(trial.config.context.n_threads, base.n_threads) << trial.title;
    EXPECT_EQ(trial.config.context.kv_offload, base.kv_offload) << trial.title;
  }
}

TEST_F(SearchLoopTest, ATuneWhoseEveryLoadFailsEndsWithoutAWinner) {
  const RunOutcome outcome = tune(loop_script(R"({"at": "load", "do": "abort"})"), job());
  EXPECT_FALSE(outcome.run.tune->winner);
  EXPECT_THAT(outcome.run.tune->verdict, HasSubstr("nothing could be measured"));
  EXPECT_LE(outcome.run.results.size(), 3U);
}

}  // namespace
}  // namespace sweetspot::profiler
