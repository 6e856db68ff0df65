#include "worker/synth/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace sweetspot::worker {
namespace {

using protocol::SynthRequest;
using testing::ElementsAre;
using testing::HasSubstr;

SynthRequest small() {
  SynthRequest request;
  request.out_path = "unused";
  request.blocks = 16;
  request.embd = 512;
  request.ff = 1024;
  request.heads = 8;
  request.kv_heads = 2;
  request.vocab = 1000;
  return request;
}

std::map<std::string, TensorPlan> plan_of(const SynthRequest& request) {
  const auto geometry = check_geometry(request);
  EXPECT_TRUE(geometry.has_value()) << (geometry ? "" : geometry.error());
  std::map<std::string, TensorPlan> by_name;
  if (!geometry) return by_name;
  for (TensorPlan& tensor : plan_tensors(*geometry)) by_name[tensor.name] = tensor;
  return by_name;
}

std::string problem_of(const SynthRequest& request) {
  const auto geometry = check_geometry(request);
  return geometry ? "" : geometry.error();
}

TEST(SynthPlan, DenseLlamaHasTheTensorsTheLoaderAsksFor) {
  const auto plan = plan_of(small());
  EXPECT_EQ(plan.size(), 3U + 16U * 9U);
  EXPECT_THAT(plan.at("token_embd.weight").shape, ElementsAre(512, 1000));
  EXPECT_THAT(plan.at("blk.15.attn_k.weight").shape, ElementsAre(512, 128));
  EXPECT_THAT(plan.at("blk.0.attn_output.weight").shape, ElementsAre(512, 512));
  EXPECT_THAT(plan.at("blk.0.ffn_down.weight").shape, ElementsAre(1024, 512));
  EXPECT_EQ(plan.at("blk.0.attn_norm.weight").type, "f32");
}

TEST(SynthPlan, ParametersOfTheOnePointOneBillionGeometry) {
  std::uint64_t params = 0;
  for (const auto& [name, tensor] : plan_of(SynthRequest{})) params += tensor.elements();
  EXPECT_EQ(params, 1100048384U);
}

TEST(SynthPlan, TiedOutputLeavesOutTheOutputAndKeepsItsPrecision) {
  SynthRequest request = small();
  request.tied_output = true;
  const auto plan = plan_of(request);
  EXPECT_FALSE(plan.contains("output.weight"));
  EXPECT_EQ(plan.at("token_embd.weight").type, "q6_K");
  EXPECT_EQ(plan_of(small()).at("token_embd.weight").type, "q4_K");
}

TEST(SynthPlan, QwenTwoAlwaysHasBiasesAndQwenThreeHasNorms) {
  SynthRequest request = small();
  request.architecture = "qwen2";
  EXPECT_THAT(plan_of(request).at("blk.3.attn_v.bias").shape, ElementsAre(128));
  request.architecture = "qwen3";
  const auto plan = plan_of(request);
  EXPECT_THAT(plan.at("blk.3.attn_q_norm.weight").shape, ElementsAre(64));
  EXPECT_FALSE(plan.contains("blk.3.attn_v.bias"));
}

TEST(SynthPlan, ExpertsReplaceTheFeedForward) {
  SynthRequest request = small();
  request.architecture = "qwen3moe";
  request.experts = 4;
  request.experts_used = 2;
  request.expert_ff = 256;
  const auto plan = plan_of(request);
  EXPECT_THAT(plan.at("blk.1.ffn_gate_exps.weight").shape, ElementsAre(512, 256, 4));
  EXPECT_THAT(plan.at("blk.1.ffn_down_exps.weight").shape, ElementsAre(256, 512, 4));
  EXPECT_EQ(plan.at("blk.1.ffn_gate_inp.weight").type, "f32");
  EXPECT_FALSE(plan.contains("blk.1.ffn_gate.weight"));
}

TEST(SynthPlan, GemmaThreeHasNormsOnBothSidesAndNoOutput) {
  SynthRequest request = small();
  request.architecture = "gemma3";
  request.head_dim = 256;
  EXPECT_EQ(check_geometry(request)->request.sliding_window, 1024U);
  const auto plan = plan_of(request);
  EXPECT_EQ(plan.size(), 2U + 16U * 13U);
  EXPECT_THAT(plan.at("blk.7.post_attention_norm.weight").shape, ElementsAre(512));
  EXPECT_THAT(plan.at("blk.7.post_ffw_norm.weight").shape, ElementsAre(512));
  EXPECT_THAT(plan.at("blk.7.attn_q_norm.weight").shape, ElementsAre(256));
  EXPECT_THAT(plan.at("blk.7.attn_output.weight").shape, ElementsAre(8 * 256, 512));
  EXPECT_EQ(plan.at("token_embd.weight").type, "q6_K") << "the embeddings serve as output";
}

TEST(SynthPlan, AGivenWindowIsKept) {
  SynthRequest request = small();
  request.architecture = "gemma3";
  request.sliding_window = 512;
  EXPECT_EQ(check_geometry(request)->request.sliding_window, 512U);
}

TEST(SynthPlan, BertHasPositionsBiasesAndNoOutput) {
  SynthRequest request = small();
  request.architecture = "bert";
  request.kv_heads = request.heads;
  request.ctx_train = 128;
  const auto plan = plan_of(request);
  EXPECT_EQ(plan.size(), 5U + 16U * 16U);
  EXPECT_THAT(plan.at("position_embd.weight").shape, ElementsAre(512, 128));
  EXPECT_THAT(plan.at("token_types.weight").shape, ElementsAre(512, 2));
  EXPECT_THAT(plan.at("blk.3.ffn_up.bias").shape, ElementsAre(1024));
  EXPECT_FALSE(plan.contains("output.weight"));
  EXPECT_FALSE(plan.contains("blk.0.ffn_gate.weight"));
  request.pooling = "rank";
  EXPECT_THAT(plan_of(request).at("cls.output.weight").shape, ElementsAre(512, 1));
}

TEST(SynthPlan, NomicBertTurnsPositionsAndHasAGate) {
  SynthRequest request = small();
  request.architecture = "nomic-bert";
  request.kv_heads = request.heads;
  const auto plan = plan_of(request);
  EXPECT_FALSE(plan.contains("position_embd.weight"));
  EXPECT_TRUE(plan.contains("blk.0.ffn_gate.weight"));
  EXPECT_FALSE(plan.contains("blk.0.attn_q.bias"));
}

TEST(SynthPlan, TFiveHasTwoHalvesAndItsEncoderOne) {
  SynthRequest request = small();
  request.architecture = "t5";
  request.kv_heads = request.heads;
  const auto whole = plan_of(request);
  EXPECT_TRUE(whole.contains("dec.blk.15.cross_attn_q.weight"));
  EXPECT_THAT(whole.at("enc.blk.0.attn_rel_b.weight").shape, ElementsAre(8, 32));
  EXPECT_FALSE(whole.contains("enc.blk.1.attn_rel_b.weight"));
  request.architecture = "t5encoder";
  const auto half = plan_of(request);
  EXPECT_FALSE(half.contains("dec.output_norm.weight"));
  EXPECT_EQ(half.size(), 3U + 16U * 9U);
}

TEST(SynthPlan, WhatReadersCannotBe) {
  SynthRequest request = small();
  request.architecture = "bert";
  EXPECT_THAT(problem_of(request), HasSubstr("as many kv_heads"));
  request.kv_heads = request.heads;
  request.pooling = "sum";
  EXPECT_THAT(problem_of(request), HasSubstr("pooling is sum"));
  request.architecture = "nomic-bert";
  request.pooling = "rank";
  EXPECT_THAT(problem_of(request), HasSubstr("pooling is rank"));
  request.architecture = "llama";
  EXPECT_THAT(problem_of(request), HasSubstr("generates"));
}

TEST(SynthPlan, LfmTwoHasAttentionOrAConvolutionInEveryBlock) {
  SynthRequest request = small();
  request.architecture = "lfm2";
  request.attention_blocks = {2, 5, 8, 10, 12, 14};
  const auto plan = plan_of(request);
  EXPECT_EQ(plan.size(), 2U + 16U * 5U + 6U * 6U + 10U * 3U);
  EXPECT_FALSE(plan.contains("blk.0.attn_q.weight"));
  EXPECT_THAT(plan.at("blk.0.shortconv.in_proj.weight").shape, ElementsAre(512, 1536));
  EXPECT_THAT(plan.at("blk.0.shortconv.out_proj.weight").shape, ElementsAre(512, 512));
  EXPECT_THAT(plan.at("blk.0.shortconv.conv.weight").shape, ElementsAre(3, 512));
  EXPECT_EQ(plan.at("blk.0.shortconv.conv.weight").type, "f32");
  EXPECT_THAT(plan.at("blk.0.attn_norm.weight").shape, ElementsAre(512));
  EXPECT_FALSE(plan.contains("blk.2.shortconv.conv.weight"));
  EXPECT_THAT(plan.at("blk.2.attn_k_norm.weight").shape, ElementsAre(64));
  EXPECT_TRUE(plan.contains("token_embd_norm.weight"));
  EXPECT_FALSE(plan.contains("output_norm.weight"));
}

TEST(SynthPlan, LfmTwoHasAttentionInEveryThirdBlockUnlessTold) {
  SynthRequest request = small();
  request.architecture = "lfm2";
  request.blocks = 8;
  const auto geometry = check_geometry(request);
  ASSERT_TRUE(geometry.has_value()) << geometry.error();
  EXPECT_THAT(geometry->request.attention_blocks, ElementsAre(2, 5));
  EXPECT_EQ(geometry->attention_blocks_in(6), 2);
  EXPECT_EQ(geometry->attention_blocks_in(5), 1);
}

TEST(SynthPlan, MixtureCountsTheBlocksWithAttention) {
  // As llama-quantize has it: of six attn_v tensors the third and the last get more bits.
  SynthRequest request = small();
  request.architecture = "lfm2";
  request.attention_blocks = {2, 5, 8, 10, 12, 14};
  const auto plan = plan_of(request);
  for (const int block : {2, 5, 8, 10, 12, 14}) {
    const std::string name = "blk." + std::to_string(block) + ".attn_v.weight";
    EXPECT_EQ(plan.at(name).type, block == 8 || block == 14 ? "q6_K" : "q4_K") << block;
  }
}

TEST(SynthPlan, TheSeventyBillionGeometryGetsMoreBitsForV) {
  SynthRequest request = small();
  request.blocks = 80;
  EXPECT_EQ(plan_of(request).at("blk.10.attn_v.weight").type, "q5_K");
  request.type = "q3_K";
  EXPECT_EQ(plan_of(request).at("blk.10.attn_v.weight").type, "q5_K");
  request.kv_heads = request.heads;
  EXPECT_EQ(plan_of(request).at("blk.10.attn_v.weight").type, "q4_K") << "that would be 65B";
}

TEST(SynthPlan, WithoutAVocabularyItsSizeIsFree) {
  SynthRequest request = small();
  request.no_vocab = true;
  request.vocab = 1;
  EXPECT_THAT(plan_of(request).at("token_embd.weight").shape, ElementsAre(512, 1));
}

TEST(SynthPlan, MixtureOfQ4KMatchesLlamaQuantize) {
  // For 16 blocks: the first and last two, and every third from the fourth on.
  const std::set<int> more_bits = {0, 1, 4, 7, 10, 13, 14, 15};
  const auto plan = plan_of(small());
  for (int block = 0; block < 16; ++block) {
    const std::string prefix = "blk." + std::to_string(block) + ".";
    const std::string wanted = more_bits.contains(block) ? "q6_K" : "q4_K";
    EXPECT_EQ(plan.at(prefix + "attn_v.weight").type, wanted) << block;
    EXPECT_EQ(plan.at(prefix + "ffn_down.weight").type, wanted) << block;
    EXPECT_EQ(plan.at(prefix + "ffn_up.weight").type, "q4_K") << block;
  }
  EXPECT_EQ(plan.at("output.weight").type, "q6_K");
}

TEST(SynthPlan, RowsThatDoNotFitABlockFallBack) {
  EXPECT_EQ(fitting_type("q4_K", 512), "q4_K");
  EXPECT_EQ(fitting_type("q4_K", 96), "q5_0");
  EXPECT_EQ(fitting_type("q6_K", 96), "q8_0");
  EXPECT_EQ(fitting_type("q3_K", 96), "iq4_nl");
  EXPECT_EQ(fitting_type("q4_0", 48), "f16");
  EXPECT_EQ(fitting_type("q4_K", 7), "f16");
  EXPECT_EQ(fitting_type("f32", 7), "f32");
}

TEST(SynthPlan, TypesAreFoundInAnyCaseAndUnknownOnesListTheKnown) {
  SynthRequest request = small();
  request.type = "Q4_k";
  EXPECT_EQ(check_geometry(request)->type, "q4_K");
  request.type = "q4_9";
  EXPECT_THAT(problem_of(request), HasSubstr("q5_K"));
}

struct BadGeometry {
  const char* what;
  void (*spoil)(SynthRequest&);
  const char* says;
};

class SynthPlanRefuses : public testing::TestWithParam<BadGeometry> {};

TEST_P(SynthPlanRefuses, WithASentence) {
  SynthRequest request = small();
  GetParam().spoil(request);
  EXPECT_THAT(problem_of(request), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, SynthPlanRefuses,
    testing::Values(
        BadGeometry{"arch", [](SynthRequest& r) { r.architecture = "gpt9"; }, "qwen3moe"},
        BadGeometry{"blocks", [](SynthRequest& r) { r.blocks = 0; }, "blocks is 0"},
        BadGeometry{"many_blocks", [](SynthRequest& r) { r.blocks = 513; }, "1 to 512"},
        BadGeometry{"embd", [](SynthRequest& r) { r.embd = 0; }, "embd is 0"},
        BadGeometry{"ff", [](SynthRequest& r) { r.ff = 0; }, "ff is 0"},
        BadGeometry{"vocab", [](SynthRequest& r) { r.vocab = 299; }, "vocab is 299"},
        BadGeometry{"ctx", [](SynthRequest& r) { r.ctx_train = 0; }, "ctx_train"},
        BadGeometry{"no_heads", [](SynthRequest& r) { r.heads = 0; }, "at least 1"},
        BadGeometry{"kv", [](SynthRequest& r) { r.kv_heads = 3; }, "must divide heads"},
        BadGeometry{"heads", [](SynthRequest& r) { r.heads = r.kv_heads = 3; }, "divide embd"},
        BadGeometry{"odd", [](SynthRequest& r) { r.head_dim = 33; }, "even number"},
        BadGeometry{"used", [](SynthRequest& r) { r.experts = 2; }, "experts_used is 0"},
        BadGeometry{"unused", [](SynthRequest& r) { r.experts_used = 2; }, "need experts"},
        BadGeometry{"no_moe",
                    [](SynthRequest& r) {
                      r.architecture = "qwen2";
                      r.experts = r.experts_used = 2;
                    },
                    "qwen2 has no experts"},
        BadGeometry{"no_tokens",
                    [](SynthRequest& r) {
                      r.no_vocab = true;
                      r.vocab = 0;
                    },
                    "vocab is 0"},
        BadGeometry{"window", [](SynthRequest& r) { r.sliding_window = 9; }, "no sliding window"},
        BadGeometry{"convolution", [](SynthRequest& r) { r.attention_blocks = {1}; },
                    "attention in every block"},
        BadGeometry{"beyond",
                    [](SynthRequest& r) {
                      r.architecture = "lfm2";
                      r.attention_blocks = {2, 16};
                    },
                    "names block 16, but the last one is 15"},
        BadGeometry{"no_attention",
                    [](SynthRequest& r) {
                      r.architecture = "lfm2";
                      r.blocks = 2;
                    },
                    "needs attention_blocks"},
        BadGeometry{"wide_heads",
                    [](SynthRequest& r) {
                      r.architecture = "lfm2";
                      r.head_dim = 128;
                    },
                    "must be embd"},
        BadGeometry{"moe", [](SynthRequest& r) { r.architecture = "qwen3moe"; }, "needs experts"},
        BadGeometry{"bias",
                    [](SynthRequest& r) {
                      r.architecture = "qwen3";
                      r.attention_bias = true;
                    },
                    "no biases"}),
    [](const auto& test) { return std::string(test.param.what); });

}  // namespace
}  // namespace sweetspot::worker
