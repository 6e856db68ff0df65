// Slices on the real worker: what they compute, and of which models they can be made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <string>

#include "contract/small_context.hpp"
#include "engine/worker.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::engine {
namespace {

using protocol::MeasureKind;
using protocol::Slice;
using protocol::SynthRequest;

constexpr std::uint64_t kSmall = 1U << 20U;

Placement on_cpu() {
  Placement placement;
  placement.n_gpu_layers = 0;
  return placement;
}

class SliceOf : public testing::Test {
 protected:
  static Worker start() {
    StartOptions options;
    options.program.path = REAL_WORKER;
    auto worker = Worker::start(options);
    if (!worker) throw std::runtime_error(worker.error().message + worker.error().stderr_tail);
    return *std::move(worker);
  }

  [[nodiscard]] SynthRequest small(const std::string& architecture = "llama") const {
    SynthRequest request;
    request.out_path = model_;
    request.architecture = architecture;
    request.blocks = 6;
    request.embd = 256;
    request.ff = 512;
    request.heads = 4;
    request.kv_heads = 2;
    request.vocab = 512;
    return request;
  }

  static void synth(Worker& worker, const SynthRequest& request) {
    const auto made = worker.synth(request);
    ASSERT_TRUE(made) << made.error().message;
  }

  /// Logits of what is loaded now, which is unloaded then.
  static std::vector<float> logits(Worker& worker) {
    const auto context = worker.context(small_context());
    EXPECT_TRUE(context) << context.error().message;
    const auto checked = worker.check();
    EXPECT_TRUE(checked) << checked.error().message;
    EXPECT_TRUE(worker.unload());
    return checked ? checked->logits : std::vector<float>();
  }

  tests::TemporaryFolder folder_;
  std::string model_ = folder_.file("m.gguf");
};

TEST_F(SliceOf, AllBlocksAndRowsIsTheModelItself) {
  Worker worker = start();
  synth(worker, small());
  const auto whole = worker.load({model_, on_cpu()}, kSmall);
  ASSERT_TRUE(whole) << whole.error().message;
  const auto expected = logits(worker);
  const auto slice = worker.load({model_, on_cpu(), Slice{0, 6, 0}}, kSmall);
  ASSERT_TRUE(slice) << slice.error().message;
  EXPECT_EQ(logits(worker), expected);
  const auto model = worker.inspect(model_);
  ASSERT_TRUE(model);
  EXPECT_EQ(slice->slice->total_bytes, model->size_bytes);
}

TEST_F(SliceOf, OtherBlocksHaveOtherWeights) {
  Worker worker = start();
  synth(worker, small());
  ASSERT_TRUE(worker.load({model_, on_cpu(), Slice{0, 2, 256}}, kSmall));
  const auto first = logits(worker);
  ASSERT_TRUE(worker.load({model_, on_cpu(), Slice{2, 2, 256}}, kSmall));
  const auto second = logits(worker);
  ASSERT_EQ(first.size(), second.size());
  EXPECT_NE(first, second);
}

TEST_F(SliceOf, AHeaderAloneGetsRandomWeights) {
  Worker worker = start();
  SynthRequest request = small();
  request.header_only = true;
  synth(worker, request);
  EXPECT_FALSE(worker.load({model_, on_cpu()}, kSmall)) << "the whole model has no weights";
  const auto slice = worker.load({model_, on_cpu(), Slice{1, 3, 0}}, kSmall);
  ASSERT_TRUE(slice) << slice.error().message;
  ASSERT_TRUE(worker.context(small_context()));
  const auto checked = worker.check();
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_TRUE(checked->finite);
  ASSERT_GT(checked->logits.size(), 1U);
  EXPECT_NE(checked->logits.front(), checked->logits.back()) << "weights of zeros";
}

/// Architectures whose blocks differ, each with a slice from the middle.
class SliceOfArchitecture : public SliceOf, public testing::WithParamInterface<std::string> {};

TEST_P(SliceOfArchitecture, LoadsAndDecodesFinite) {
  Worker worker = start();
  SynthRequest request = small(GetParam());
  if (GetParam() == "qwen3moe") {
    request.experts = 8;
    request.experts_used = 2;
    request.expert_ff = 256;
  }
  synth(worker, request);
  for (const Slice& slice : {Slice{0, 3, 128}, Slice{2, 4, 0}}) {
    const auto loaded = worker.load({model_, on_cpu(), slice}, kSmall);
    ASSERT_TRUE(loaded) << loaded.error().message;
    ASSERT_TRUE(worker.context(small_context()));
    const auto checked = worker.check();
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_TRUE(checked->finite);
    std::size_t samples = 0;
    const auto measured = worker.measure({MeasureKind::generation, 32, 4, 4}, Phase::generation,
                                         [&](const Sample&) { return ++samples > 0; });
    ASSERT_TRUE(measured) << measured.error().message;
    EXPECT_EQ(samples, 4U);
    ASSERT_TRUE(worker.unload());
  }
}

INSTANTIATE_TEST_SUITE_P(All, SliceOfArchitecture,
                         testing::Values("llama", "qwen2", "qwen3", "qwen3moe", "gemma3", "lfm2"),
                         [](const auto& case_info) { return case_info.param; });

TEST_F(SliceOf, AHybridNeedsBothKindsOfItsBlocks) {
  Worker worker = start();
  SynthRequest request = small("lfm2");
  request.attention_blocks = {2, 3};
  synth(worker, request);
  for (const Slice& slice : {Slice{0, 2, 0}, Slice{2, 2, 0}}) {
    const auto loaded = worker.load({model_, on_cpu(), slice}, kSmall);
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().message, testing::HasSubstr("both kinds"));
  }
  EXPECT_TRUE(worker.load({model_, on_cpu(), Slice{1, 2, 0}}, kSmall));
}

TEST_F(SliceOf, ASplitModelIsCutAsOneFile) {
  Worker worker = start();
  SynthRequest request = small();
  synth(worker, request);
  ASSERT_TRUE(worker.load({model_, on_cpu(), Slice{1, 3, 256}}, kSmall));
  const auto expected = logits(worker);
  if (!std::filesystem::exists(GGUF_SPLITTER)) GTEST_SKIP() << "llama-gguf-split is not here";
  const std::string command = std::string(GGUF_SPLITTER) + " --split-max-tensors 20 " + model_ +
                              " " + folder_.file("split") + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  std::string split;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    const std::string path = entry.path();
    if (path.find("split-00001-of-") != std::string::npos) split = path;
  }
  const auto loaded = worker.load({split, on_cpu(), Slice{1, 3, 256}}, kSmall);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(logits(worker), expected);
}

TEST_F(SliceOf, AQuantizedCacheDivergesAndAWorseOneMore) {
  Worker worker = start();
  SynthRequest request = small();
  request.embd = 512;
  request.vocab = 4096;
  synth(worker, request);
  ASSERT_TRUE(worker.load({model_, on_cpu()}, kSmall));
  const auto in_context = [&](const std::string& type, bool keep) {
    ContextSettings settings = small_context();
    settings.type_k = settings.type_v = type;
    settings.flash_attn = FlashAttention::on;
    settings.host_program = HostProgram::libllama;
    EXPECT_TRUE(worker.context(settings));
    const auto found = worker.divergence({keep, 256});
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(protocol::DivergenceResult{});
  };
  EXPECT_EQ(in_context("f16", true).positions, 128U);
  const auto f16 = in_context("f16", false);
  const auto q8_0 = in_context("q8_0", false);
  const auto q4_0 = in_context("q4_0", false);
  EXPECT_LT(f16.max, 1e-9);
  EXPECT_EQ(f16.same_top, 1);
  EXPECT_GT(q8_0.mean, f16.mean);
  EXPECT_LT(q8_0.mean, 0.01);
  EXPECT_GT(q4_0.mean, q8_0.mean * 2);
  for (const auto& result : {f16, q8_0, q4_0}) {
    EXPECT_LE(result.mean, result.max);
    EXPECT_LE(result.p99, result.max);
  }
}

}  // namespace
}  // namespace sweetspot::engine
