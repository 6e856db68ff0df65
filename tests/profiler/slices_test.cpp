// Predictions with a scripted worker that is a linear machine: its costs are known.
#include "profiler/slices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "temporary_folder.hpp"

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;

constexpr int kBlocks = 40;

SliceJob job(const std::string& speed_more = "") {
  SliceJob job;
  job.start.program.path = SCRIPTED_WORKER;
  job.start.environment = {
      {"SWEETSPOT_SCRIPT",
       R"({"model": {"layers": 40, "bytes_per_layer": 100000000, "non_layer_bytes": 180000000},
           "speed": {"noise": 0.005, "prompt_factor": 0.1, "linear": {"fixed_ms": 1,
             "crossing_ms": 0.5, "cpu_block_ms": 5, "gpu_block_ms": 0.5, "cpu_output_ms": 8,
             "gpu_output_ms": 0.8}})" +
           speed_more + "}"}};
  auto worker = engine::Worker::start(job.start);
  if (!worker) throw std::runtime_error(worker.error().message);
  job.model = *worker->inspect("/scripted.gguf");
  job.has_device = true;
  job.cache_bytes = std::uint64_t{32'000'000};
  job.max_seconds = 3;
  return job;
}

double true_ms(int layers) {
  const int on_device = std::max(0, layers - 1);
  return 1 + (layers > 0 ? 0.5 + 0.8 : 8) + 5.0 * (kBlocks - on_device) + 0.5 * on_device;
}

TEST(Slices, PredictALinearMachineWithinTheirInterval) {
  const SliceJob asked = job();
  const auto prediction = predict_by_slices(asked);
  ASSERT_TRUE(prediction) << prediction.reason();
  ASSERT_EQ(prediction->generation_ms_by_layers.size(), kBlocks + 2U);
  ASSERT_EQ(prediction->prompt_ms_by_layers.size(), kBlocks + 2U);
  for (int layers = 0; layers <= kBlocks + 1; ++layers) {
    const Estimate& estimate =
        prediction->generation_ms_by_layers[static_cast<std::size_t>(layers)];
    EXPECT_LE(estimate.low, true_ms(layers)) << layers << " layers";
    EXPECT_GE(estimate.high, true_ms(layers)) << layers << " layers";
    EXPECT_NEAR(estimate.value / true_ms(layers), 1, 0.1) << layers << " layers";
    EXPECT_GE(estimate.high / estimate.value, 1 + kSliceModelError - 1e-9) << "in the interval";
  }
  EXPECT_NEAR(prediction->generation_costs.cpu_block_ms, 5, 0.5);
  EXPECT_NEAR(prediction->generation_costs.device_block_ms, 0.5, 0.1);
  EXPECT_LE(prediction->weight_share, 0.1);
  EXPECT_GE(prediction->rounds, 3U);
  EXPECT_GE(prediction->plan.small_read_bytes, 2 * prediction->plan.cache_bytes);
}

TEST(Slices, WithoutADeviceAndAPromptOnlyTheCpuGenerates) {
  SliceJob asked = job();
  asked.has_device = false;
  asked.workload.n_prompt = 0;
  const auto prediction = predict_by_slices(asked);
  ASSERT_TRUE(prediction) << prediction.reason();
  EXPECT_EQ(prediction->generation_ms_by_layers.size(), 1U);
  EXPECT_TRUE(prediction->prompt_ms_by_layers.empty());
}

/// How often workers were started for a prediction.
std::uintmax_t starts_for(const std::function<void(SliceJob&)>& change,
                          const std::string& script_more = "") {
  const tests::TemporaryFolder folder;
  const std::string starts = folder.file("starts");
  SliceJob asked = job(R"(, "starts_file": ")" + starts + "\"" + script_more);
  std::filesystem::remove(starts);  // inspecting was a start as well
  asked.workload.n_prompt = 0;
  asked.max_seconds = 0;
  change(asked);
  const auto prediction = predict_by_slices(asked);
  EXPECT_TRUE(prediction) << prediction.reason();
  if (!prediction) return 0;
  EXPECT_EQ(prediction->rounds, 3U);
  EXPECT_NEAR(prediction->generation_ms_by_layers.back().value / true_ms(kBlocks + 1), 1, 0.1);
  return std::filesystem::file_size(starts);
}

TEST(Slices, StayLoadedBetweenRounds) {
  EXPECT_EQ(starts_for([](SliceJob&) {}), 7U);
}

TEST(Slices, WhereMemoryIsShortAreLoadedForEachRound) {
  EXPECT_EQ(starts_for([](SliceJob& asked) {
              asked.start.available_host_bytes = [] { return std::uint64_t{1'000'000'000}; };
            }),
            3 * 7U);
}

// An RPC server serves one client at a time: what is on its device cannot stay loaded.
TEST(Slices, BehindRpcTheDevicesAreLoadedForEachRound) {
  EXPECT_EQ(starts_for([](SliceJob& asked) { asked.start.rpc = {"127.0.0.1:1"}; }), 3 + 3 * 4U);
}

// The fourth start is the second slice for the device.
TEST(Slices, WhereTheDeviceIsFullItsSlicesAreLoadedForEachRound) {
  const std::string full = R"(, "rules": [{"at": "load", "if": {"starts": [4]}, "do": "fault",
      "code": "model-null", "log": ["ggml_backend_cuda_buffer_type_alloc_buffer: allocating 100 MiB on device 0: cudaMalloc failed: out of memory"]}])";
  EXPECT_EQ(starts_for([](SliceJob&) {}, full), 3 + 2 + 3 * 4U);
}

TEST(Slices, WhereNotEvenOneFitsTheReasonIsGiven) {
  const auto prediction =
      predict_by_slices(job(R"(, "rules": [{"at": "load", "if": {"layers_from": 1}, "do": "fault",
              "code": "model-null", "message": "no room"}])"));
  ASSERT_FALSE(prediction);
  EXPECT_THAT(prediction.reason(), HasSubstr("no room"));
}

TEST(Slices, ASliceInCacheIsRefused) {
  SliceJob asked = job();
  asked.cache_bytes = std::uint64_t{400'000'000};
  const auto prediction = predict_by_slices(asked);
  ASSERT_FALSE(prediction);
  EXPECT_THAT(prediction.reason(), HasSubstr("cache"));
}

TEST(Slices, BlocksThatArePlacedOneByOneAreNotPredicted) {
  SliceJob asked = job();
  asked.base.placement.n_cpu_moe = 7;
  EXPECT_FALSE(predict_by_slices(asked));
  asked.base.placement.n_cpu_moe = 0;
  asked.base.placement.override_tensor = {R"(blk\.3\.=CPU)"};
  EXPECT_FALSE(predict_by_slices(asked));
}

TEST(Slices, AWorkerThatFailsIsTheReason) {
  const auto prediction =
      predict_by_slices(job(R"(, "rules": [{"at": "context", "do": "abort"}])"));
  ASSERT_FALSE(prediction);
  EXPECT_THAT(prediction.reason(), HasSubstr("stopped itself"));
}

}  // namespace
}  // namespace sweetspot::profiler
