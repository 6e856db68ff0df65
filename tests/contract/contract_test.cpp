#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <cmath>
#include <ostream>
#include <string>
#include <vector>

#include "contract/small_context.hpp"
#include "engine/worker.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::engine {
namespace {

using protocol::MeasureKind;

struct Subject {
  const char* name;
  const char* program;
  std::vector<std::pair<std::string, std::string>> environment;
  bool drives_a_server = false;  ///< no llama.cpp of its own: what that means is in the cases
};

// How the parameter shows in the names of the tests.
std::ostream& operator<<(std::ostream& out, const Subject& subject) { return out << subject.name; }

const Subject kScripted = {
    "scripted",
    SCRIPTED_WORKER,
    {{"SWEETSPOT_SCRIPT", R"({"model": {"layers": 3, "n_ctx_train": 4096}})"}}};
const Subject kReal = {"real", REAL_WORKER, {}};
const Subject kAdapter = {"adapter", ADAPTER, {{"SWEETSPOT_ENGINE", LLAMA_SERVER}}, true};

class Contract : public testing::TestWithParam<Subject> {
 protected:
  static Worker start() { return start(GetParam()); }

  static Worker start(const Subject& subject) {
    StartOptions options;
    options.program.path = subject.program;
    options.environment = subject.environment;
    auto worker = Worker::start(options);
    if (!worker) throw std::runtime_error(worker.error().message + worker.error().stderr_tail);
    return *std::move(worker);
  }

  /// A model of 3 blocks, on disk where the worker really writes it.
  void synth(Worker& worker) const {
    protocol::SynthRequest request;
    request.out_path = model_;
    request.blocks = 3;
    request.embd = 256;
    request.ff = 512;
    request.heads = 4;
    request.kv_heads = 2;
    request.vocab = 512;
    const auto made =
        GetParam().drives_a_server ? start(kReal).synth(request) : worker.synth(request);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_GT(made->bytes, 0U);
  }

  /// A server joins steps where a token's text is a part of a character.
  static void expect_tokens(std::uint32_t got, std::uint32_t wanted) {
    if (GetParam().drives_a_server) {
      EXPECT_EQ(got % wanted, 0U) << got;
    } else {
      EXPECT_EQ(got, wanted);
    }
  }

  /// A server is asked for as many tokens as fit while others begin and end.
  static void expect_end_of_context(std::uint32_t tokens_each) {
    EXPECT_LE(tokens_each, 256U);
    EXPECT_GE(tokens_each, GetParam().drives_a_server ? 224U : 256U);
  }

  Worker loaded() const {
    Worker worker = start();
    synth(worker);
    Placement placement;
    placement.n_gpu_layers = 0;
    const auto loaded = worker.load({model_, placement}, 1U << 20U);
    EXPECT_TRUE(loaded) << loaded.error().message;
    const auto context = worker.context(small_context());
    EXPECT_TRUE(context) << context.error().message;
    return worker;
  }

  tests::TemporaryFolder folder_;
  std::string model_ = folder_.file("m.gguf");
};

TEST_P(Contract, HelloNamesTheEngineAndTheCpu) {
  const Worker worker = start();
  EXPECT_EQ(worker.hello().version, protocol::kVersion);
  EXPECT_EQ(worker.hello().abilities.keeps_weights, !GetParam().drives_a_server);
  EXPECT_FALSE(worker.hello().engine.llama_version.empty());
  EXPECT_GE(worker.hello().threads, 1);
  EXPECT_THAT(worker.hello().devices, testing::Contains(testing::Field(&Device::id, "CPU")));
}

TEST_P(Contract, MapsEqualWhatLoadingAllocates) {
  Worker worker = start();
  synth(worker);
  Config config;
  config.placement.n_gpu_layers = 0;
  config.context = small_context();
  Config longer = config;
  longer.context.n_ctx = 512;
  const auto maps = worker.map({model_, {longer, config}});
  ASSERT_TRUE(maps) << maps.error().message;
  ASSERT_EQ(maps->maps.size(), 2U);
  EXPECT_EQ(maps->maps[0].n_ctx, 512U);
  if (GetParam().drives_a_server) return;  // llama-fit-params tells whole MiB
  ASSERT_TRUE(worker.load({model_, config.placement}, 1U << 20U));
  const auto context = worker.context(config.context);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(maps->maps[1].memory, context->memory);
}

TEST_P(Contract, InspectCountsTheBlocksAndTheOutput) {
  Worker worker = start();
  synth(worker);
  const auto model = worker.inspect(model_);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->n_layer, 3);
  EXPECT_EQ(model->offloadable_layers(), 4);
  EXPECT_EQ(model->layers.size(), 3U);
  EXPECT_EQ(model->n_ctx_train, 4096);
  EXPECT_FALSE(model->fingerprint.empty());
}

TEST_P(Contract, ContextIsReadBackAndMapped) {
  Worker worker = start();
  synth(worker);
  Placement placement;
  placement.n_gpu_layers = 0;
  ASSERT_TRUE(worker.load({model_, placement}, 1U << 20U));
  const auto context = worker.context(small_context());
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->effective.n_ctx, 256U);
  EXPECT_EQ(context->effective.n_ubatch, 64U);
  EXPECT_EQ(context->effective.n_threads, 1);
  ASSERT_FALSE(context->memory.empty()) << context->memory_note;
  EXPECT_EQ(offloaded_bytes(context->memory), 0U) << "no layer was offloaded";
}

TEST_P(Contract, AnotherContextNeedsNoReload) {
  Worker worker = loaded();
  ContextSettings larger = small_context();
  larger.n_ctx = 512;
  const auto context = worker.context(larger);
  ASSERT_TRUE(context) << context.error().message;
  EXPECT_EQ(context->effective.n_ctx, 512U);
}

TEST_P(Contract, SamplesStreamUntilStopped) {
  Worker worker = loaded();
  for (const auto& [kind, tokens, phase] :
       {std::tuple(MeasureKind::generation, 1U, Phase::generation),
        std::tuple(MeasureKind::prompt, 8U, Phase::prompt)}) {
    std::vector<Sample> samples;
    const auto done = worker.measure({kind, 16, 8, 1000}, phase, [&](const Sample& sample) {
      samples.push_back(sample);
      return samples.size() < 20;
    });
    ASSERT_TRUE(done) << done.error().message;
    ASSERT_GE(samples.size(), 20U);
    double end_ms = 0;
    for (const Sample& sample : samples) {
      expect_tokens(sample.tokens, tokens);
      EXPECT_GE(sample.duration_ms, 0);
      EXPECT_GE(sample.start_ms, end_ms) << "samples do not overlap";
      end_ms = sample.start_ms + sample.duration_ms;
    }
  }
}

TEST_P(Contract, MaxSamplesEndsAMeasurement) {
  Worker worker = loaded();
  std::size_t count = 0;
  const auto done = worker.measure({MeasureKind::generation, 0, 4, 6}, Phase::generation,
                                   [&](const Sample&) { return ++count > 0; });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(count, 6U);
}

TEST_P(Contract, CheckGivesTheSameLogitsTwice) {
  Worker worker = loaded();
  const auto first = worker.check();
  const auto second = worker.check();
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->finite);
  EXPECT_GE(first->logits.size(), 2U);
  EXPECT_EQ(first->logits, second->logits);
}

TEST_P(Contract, FullDepthReachesTheEndOfTheContext) {
  Worker worker = loaded();
  const auto done = worker.full_depth();
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->n_sequences, 1U);
  expect_end_of_context(done->tokens_each);
  EXPECT_THAT(done->filled_by, testing::AnyOf("copy", "decode"));
  EXPECT_FALSE(done->steps_ms.empty());
}

/// Four sequences of 256 tokens, each with its part of the cache or sharing it.
ContextSettings side_by_side(bool kv_unified) {
  ContextSettings settings = small_context();
  settings.n_ctx = 1024;
  settings.n_parallel = 4;
  settings.kv_unified = kv_unified;
  return settings;
}

TEST_P(Contract, GenerationIsOfAllSequencesAndAPromptOfOne) {
  Worker worker = loaded();
  for (const bool kv_unified : {false, true}) {
    ASSERT_TRUE(worker.context(side_by_side(kv_unified)));
    for (const auto& [kind, tokens, phase] :
         {std::tuple(MeasureKind::prompt, 8U, Phase::prompt),
          std::tuple(MeasureKind::generation, 4U, Phase::generation)}) {
      std::vector<std::uint32_t> seen;
      const auto done = worker.measure({kind, 200, 8, 20}, phase, [&](const Sample& sample) {
        seen.push_back(sample.tokens);
        return true;
      });
      ASSERT_TRUE(done) << done.error().message;
      EXPECT_EQ(seen.size(), 20U);
      for (const std::uint32_t count : seen) expect_tokens(count, tokens);
    }
  }
}

TEST_P(Contract, APassThatNotEverySequenceHasRoomForIsAFault) {
  Worker worker = loaded();
  for (const bool kv_unified : {false, true}) {
    ASSERT_TRUE(worker.context(side_by_side(kv_unified)));
    std::size_t count = 0;
    const auto measured = [&](std::uint32_t cache_tokens) {
      const auto done =
          worker.measure({MeasureKind::generation, cache_tokens, 8, 8}, Phase::generation,
                         [&](const Sample&) { return ++count > 0; });
      return done.has_value();
    };
    // A server's streams begin one after the other, and need room for that.
    EXPECT_TRUE(measured(GetParam().drives_a_server ? 224 : 248)) << "256 tokens each";
    EXPECT_EQ(count, 8U);
    EXPECT_FALSE(measured(249));
    ASSERT_TRUE(worker.alive());
  }
}

TEST_P(Contract, FullDepthReachesTheEndOfEverySequence) {
  Worker worker = loaded();
  for (const bool kv_unified : {false, true}) {
    ASSERT_TRUE(worker.context(side_by_side(kv_unified)));
    const auto done = worker.full_depth();
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(done->n_sequences, 4U);
    expect_end_of_context(done->tokens_each);
    EXPECT_FALSE(done->steps_ms.empty());
  }
}

TEST_P(Contract, MeasuringWithoutAContextIsAFaultAndTheWorkerLivesOn) {
  Worker worker = start();
  const auto done = worker.measure({MeasureKind::generation, 0, 4, 6}, Phase::generation,
                                   [](const Sample&) { return true; });
  EXPECT_FALSE(done);
  EXPECT_TRUE(worker.alive());
}

TEST_P(Contract, UnloadAllowsAnotherLoad) {
  Worker worker = loaded();
  ASSERT_TRUE(worker.unload());
  Placement placement;
  placement.n_gpu_layers = 0;
  const auto again = worker.load({model_, placement}, 1U << 20U);
  EXPECT_TRUE(again) << again.error().message;
}

TEST_P(Contract, ASliceCountsItsOwnBlocksAndTellsItsBytes) {
  Worker worker = start();
  if (!worker.hello().abilities.slices) GTEST_SKIP() << "it says that it loads none";
  synth(worker);
  const auto model = worker.inspect(model_);
  ASSERT_TRUE(model) << model.error().message;
  Placement placement;
  placement.n_gpu_layers = 0;
  const auto loaded = worker.load({model_, placement, protocol::Slice{1, 2, 256}}, 1U << 20U);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_TRUE(loaded->slice);
  EXPECT_EQ(loaded->slice->block_bytes, model->layers[1].bytes + model->layers[2].bytes);
  EXPECT_GT(loaded->slice->output_bytes, 0U);
  EXPECT_LT(loaded->slice->total_bytes, model->size_bytes);
  EXPECT_EQ(loaded->n_layers_offloadable.value_or(3), 3);
  ASSERT_TRUE(worker.context(small_context()));
  EXPECT_TRUE(worker.check());
  std::size_t count = 0;
  EXPECT_TRUE(worker.measure({MeasureKind::generation, 0, 4, 6}, Phase::generation,
                             [&](const Sample&) { return ++count > 0; }));
  EXPECT_EQ(count, 6U);
}

TEST_P(Contract, ASliceThatTheModelDoesNotHaveIsAFault) {
  Worker worker = start();
  synth(worker);
  for (const protocol::Slice& slice :
       {protocol::Slice{0, 0, 0}, protocol::Slice{0, 4, 0}, protocol::Slice{3, 1, 0},
        protocol::Slice{0xFFFF'FFFF, 2, 0}, protocol::Slice{0, 1, 1'000'000}}) {
    EXPECT_FALSE(worker.load({model_, {}, slice}, 1U << 20U));
    ASSERT_TRUE(worker.alive());
  }
}

TEST_P(Contract, DivergenceNeedsAReferenceOfItsSize) {
  Worker worker = loaded();
  if (!GetParam().drives_a_server) {
    EXPECT_FALSE(worker.divergence({true, 64})) << "llama-server has no room for so many logits";
  }
  ContextSettings settings = small_context();
  settings.host_program = HostProgram::libllama;
  ASSERT_TRUE(worker.context(settings));
  EXPECT_FALSE(worker.divergence({false, 64})) << "there is no reference yet";
  const auto kept = worker.divergence({true, 64});
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->positions, 32U);
  ASSERT_TRUE(worker.context(settings));
  const auto same = worker.divergence({false, 64});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(same->positions, 32U);
  EXPECT_NEAR(same->mean, 0, 1e-6);
  EXPECT_EQ(same->same_top, 1);
  EXPECT_FALSE(worker.divergence({false, 32})) << "of another size";
  EXPECT_FALSE(worker.divergence({true, 257}));
  EXPECT_FALSE(worker.divergence({true, 1}));
  EXPECT_TRUE(worker.alive());
}

INSTANTIATE_TEST_SUITE_P(Workers, Contract, testing::Values(kScripted, kReal, kAdapter),
                         [](const auto& case_info) { return case_info.param.name; });

}  // namespace
}  // namespace sweetspot::engine
