#include "profiler/setup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;

ModelInfo encoder(const char* pooling = "mean") {
  ModelInfo model;
  model.architecture = "bert";
  model.kind = ModelKind::encoder;
  model.pooling = std::string(pooling);
  model.n_ctx_train = 512;
  return model;
}

ContextSettings settled(ContextSettings context, const ModelInfo& model, bool n_ctx_is_default) {
  settle_embeddings(context, model, n_ctx_is_default);
  return context;
}

TEST(CheckDevices, OneCardIsNotNamedTwice) {
  std::vector<Device> devices(2);
  devices[0].id = "CUDA0";
  devices[1].id = "Vulkan0";
  for (Device& device : devices) {
    device.type = DeviceType::gpu;
    device.pci_bus_id = std::string("0000:01:00.0");
  }
  EXPECT_TRUE(check_devices({"Vulkan0"}, devices));
  const Status both = check_devices({"CUDA0", "Vulkan0"}, devices);
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().kind, ErrorKind::usage);
  EXPECT_THAT(both.error().message, HasSubstr("CUDA0 and Vulkan0 are one card (0000:01:00.0)"));
}

TEST(SettleEmbeddings, AnEncoderReadsItsLongestInputInOnePiece) {
  const ContextSettings context = settled({}, encoder(), true);
  EXPECT_TRUE(context.embeddings);
  EXPECT_EQ(context.pooling, Pooling::of_model);
  EXPECT_EQ(context.n_ctx, 512U);
  EXPECT_EQ(context.n_batch, 512U);
  EXPECT_EQ(context.n_ubatch, 512U);
  EXPECT_EQ(settled({}, encoder("rank"), true).pooling, Pooling::rank);
}

TEST(SettleEmbeddings, ALongInputIsOneTooWhateverTheDefaultContextIs) {
  ModelInfo model = encoder();
  model.n_ctx_train = 8192;
  EXPECT_EQ(settled({}, model, true).n_ubatch, 8192U);
}

TEST(SettleEmbeddings, AskedForContextsAndBatchesStay) {
  ContextSettings context;
  context.n_ctx = 256;
  EXPECT_EQ(settled(context, encoder(), false).n_ubatch, 256U);
  context.n_ctx = 2048;
  context.n_parallel = 4;
  EXPECT_EQ(settled(context, encoder(), false).n_ubatch, 512U) << "each sequence has its part";
  context.n_ubatch = 128;
  const ContextSettings given = settled(context, encoder(), false);
  EXPECT_EQ(given.n_batch, 128U) << "llama-server takes the smaller one for both";
  EXPECT_EQ(given.n_ubatch, 128U);
}

TEST(SettleEmbeddings, OnlyTheLastTokenStandsForPieces) {
  ModelInfo decoder;
  decoder.n_ctx_train = 32768;
  ContextSettings context;
  EXPECT_EQ(settled(context, decoder, true), context) << "it generates";
  context.embeddings = true;
  EXPECT_EQ(settled(context, decoder, true).n_ubatch, 4096U);
  context.pooling = Pooling::last;
  EXPECT_EQ(settled(context, decoder, true).n_ubatch, 512U);
  context.pooling = Pooling::of_model;
  decoder.pooling = std::string("last");
  EXPECT_EQ(settled(context, decoder, true).n_ubatch, 512U);
}

TEST(SettledWorkload, OfWhatOnlyReadsHasNoGeneration) {
  Workload workload;
  EXPECT_EQ(settled_workload(workload, {}), workload);
  ContextSettings context;
  context.embeddings = true;
  context.n_ctx = context.n_batch = context.n_ubatch = 128;
  const Workload reading = settled_workload(workload, context);
  EXPECT_EQ(reading.n_gen, 0U);
  EXPECT_EQ(reading.n_prompt, 128U) << "an input is not longer than one may be";
  EXPECT_FALSE(reading.generates());
}

TEST(CheckKind, NamesWhatIsKnownAndNotTimed) {
  ModelInfo model = encoder();
  EXPECT_TRUE(check_kind(model));
  model.architecture = "t5";
  model.kind = ModelKind::encoder_decoder;
  const Status refused = check_kind(model);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::model);
  EXPECT_THAT(refused.error().message, HasSubstr("t5"));
  EXPECT_THAT(refused.error().message, HasSubstr("llama.cpp runs such models"));
  model.kind = ModelKind::diffusion;
  EXPECT_FALSE(check_kind(model));
}

ModelInfo trained_for(int n_ctx) {
  ModelInfo model;
  model.n_ctx_train = n_ctx;
  model.n_layer = 32;
  return model;
}

TEST(Settle, AContextOf0IsWhatTheModelWasTrainedFor) {
  Config config;
  config.context.n_ctx = 0;
  ASSERT_TRUE(settle(config, trained_for(32768), /*n_ctx_is_default=*/false));
  EXPECT_EQ(config.context.n_ctx, 32768U);
  config.context.n_ctx = 0;
  config.context.n_parallel = 4;
  ASSERT_TRUE(settle(config, trained_for(32768), false));
  EXPECT_EQ(config.context.n_ctx, 32768U) << "of all sequences together, as in llama-server";

  config.context.n_ctx = 0;
  const Status unknown = settle(config, trained_for(0), false);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::usage);
  EXPECT_NE(unknown.error().message.find("--ctx-size 0"), std::string::npos);
}

TEST(Settle, OnlyAContextThatNobodyAskedForIsShortened) {
  for (const bool is_default : {true, false}) {
    Config config;
    ASSERT_TRUE(settle(config, trained_for(2048), is_default));
    EXPECT_EQ(config.context.n_ctx, is_default ? 2048U : 4096U);
  }
}

TEST(Settle, MoreBlocksThanThereAreMeanAll) {
  Config config;
  config.placement.n_cpu_moe = 512;
  config.placement.n_cpu_ffn = 7;
  ASSERT_TRUE(settle(config, trained_for(4096), true));
  EXPECT_EQ(config.placement.n_cpu_moe, 32);
  EXPECT_EQ(config.placement.n_cpu_ffn, 7);
}

}  // namespace
}  // namespace sweetspot::profiler
