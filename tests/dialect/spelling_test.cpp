#include "dialect/spelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/no_device.hpp"

namespace sweetspot::dialect {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Spelled : public ::testing::Test {
 protected:
  static Abilities of(const std::string& name) {
    std::ifstream file(std::string(HELP_TEXTS) + "/" + name + ".txt");
    std::ostringstream text;
    text << file.rdbuf();
    return read_abilities({text.str(), "version: 1 (x)", ""});
  }
  [[nodiscard]] std::string words(const Abilities& abilities, std::string_view knob) const {
    const Spelling spelling = spell(abilities, *find_knob(knob), config_);
    std::string line;
    for (const std::string& word : spelling.words) line += (line.empty() ? "" : " ") + word;
    return spelling.lacks.empty() ? line : "lacks: " + spelling.lacks;
  }

  Abilities current_ = of("current");
  Abilities elder_ = of("elder");
  Abilities cousin_ = of("cousin");
  Config config_;
};

TEST_F(Spelled, FamiliesAreToldByTheirFlags) {
  EXPECT_EQ(current_.family, Family::llama_cpp);
  EXPECT_EQ(elder_.family, Family::llama_cpp);
  EXPECT_EQ(cousin_.family, Family::ik_llama_cpp);
}

TEST_F(Spelled, AllLayers) {
  EXPECT_EQ(words(current_, "n_gpu_layers"), "--n-gpu-layers all");
  EXPECT_EQ(words(elder_, "n_gpu_layers"), "--n-gpu-layers 999");
  EXPECT_EQ(words(cousin_, "n_gpu_layers"), "--gpu-layers 999");
  config_.placement.n_gpu_layers = 7;
  EXPECT_EQ(words(elder_, "n_gpu_layers"), "--n-gpu-layers 7");
}

TEST_F(Spelled, TheProcessorAloneWithAndWithoutDevices) {
  config_.placement = cpu_alone(config_.placement);
  EXPECT_EQ(words(current_, "devices"), "--device none");
  EXPECT_EQ(words(elder_, "devices"), "") << "it is told 0 layers";
  EXPECT_EQ(words(elder_, "n_gpu_layers"), "--n-gpu-layers 0");
  config_.placement.devices = {"CUDA1"};
  EXPECT_THAT(words(elder_, "devices"), HasSubstr("it has no --device (wanted: CUDA1)"));
}

TEST_F(Spelled, FlashAttentionWithAndWithoutAValue) {
  EXPECT_EQ(words(current_, "flash_attn"), "--flash-attn auto");
  EXPECT_EQ(words(elder_, "flash_attn"), "");
  EXPECT_EQ(words(cousin_, "flash_attn"), "--flash-attn on") << "ik's auto";
  config_.context.flash_attn = FlashAttention::on;
  EXPECT_EQ(words(current_, "flash_attn"), "--flash-attn on");
  EXPECT_EQ(words(elder_, "flash_attn"), "--flash-attn");
  config_.context.flash_attn = FlashAttention::off;
  EXPECT_EQ(words(current_, "flash_attn"), "--flash-attn off");
  EXPECT_EQ(words(elder_, "flash_attn"), "");
  EXPECT_EQ(words(cousin_, "flash_attn"), "--flash-attn off");
}

TEST_F(Spelled, LoadModesOldAndNew) {
  EXPECT_EQ(words(current_, "load_mode"), "--load-mode auto");
  EXPECT_EQ(words(elder_, "load_mode"), "");
  config_.placement.load_mode = LoadMode::none;
  EXPECT_EQ(words(current_, "load_mode"), "--load-mode none");
  EXPECT_EQ(words(elder_, "load_mode"), "--no-mmap");
  config_.placement.load_mode = LoadMode::mmap_mlock;
  EXPECT_EQ(words(elder_, "load_mode"), "--mlock");
  config_.placement.load_mode = LoadMode::mlock;
  EXPECT_EQ(words(elder_, "load_mode"), "--no-mmap --mlock");
  config_.placement.load_mode = LoadMode::direct_io;
  EXPECT_EQ(words(current_, "load_mode"), "--load-mode dio");
  EXPECT_THAT(words(elder_, "load_mode"), HasSubstr("it has no --load-mode (wanted: dio)"));
}

TEST_F(Spelled, SwitchesOnAndOff) {
  EXPECT_EQ(words(current_, "kv_unified"), "--no-kv-unified");
  EXPECT_EQ(words(elder_, "kv_unified"), "");
  EXPECT_EQ(words(current_, "kv_offload"), "--kv-offload");
  EXPECT_EQ(words(elder_, "kv_offload"), "");
  config_.context.kv_unified = true;
  config_.context.kv_offload = false;
  EXPECT_EQ(words(current_, "kv_unified"), "--kv-unified");
  EXPECT_THAT(words(elder_, "kv_unified"), HasSubstr("it has no --kv-unified"));
  EXPECT_EQ(words(elder_, "kv_offload"), "--no-kv-offload");
}

TEST_F(Spelled, WhatAnEngineLacksIsNeverSent) {
  config_.placement.n_cpu_ffn = 3;
  config_.placement.split_mode = SplitMode::tensor;
  EXPECT_EQ(words(current_, "n_cpu_ffn"), "--n-cpu-ffn 3");
  EXPECT_EQ(words(elder_, "n_cpu_ffn"), "lacks: it has no --n-cpu-ffn (wanted: 3)");
  EXPECT_EQ(words(current_, "split_mode"), "--split-mode tensor");
  EXPECT_THAT(words(elder_, "split_mode"), HasSubstr("it has no --split-mode (wanted: tensor)"));
  const ConfigWords all = spell_config(elder_, config_);
  EXPECT_EQ(all.lacks.size(), 2U);
  for (const std::string& word : all.words) {
    EXPECT_TRUE(!word.starts_with('-') || elder_.knows(word)) << word;
  }
}

TEST_F(Spelled, EveryKnobAtItsDefaultCanBeSaidToAll) {
  for (const Abilities& abilities : {current_, elder_, cousin_}) {
    EXPECT_THAT(spell_config(abilities, config_).lacks, IsEmpty());
  }
  EXPECT_THAT(spell_config(current_, config_).words, Contains("--cache-ram"));
  EXPECT_THAT(spell_config(elder_, config_).words, Not(Contains("--cache-ram")))
      << "it keeps no prompts, whatever is wanted";
}

TEST_F(Spelled, KnobsLacked) {
  EXPECT_THAT(knobs_lacked(current_), IsEmpty());
  EXPECT_THAT(knobs_lacked(elder_),
              ElementsAre("devices", "n_cpu_moe", "n_cpu_ffn", "override_tensor", "kv_unified",
                          "swa_full", "cache_ram_mib", "n_ctx_checkpoints"));
  EXPECT_THAT(knobs_lacked(cousin_), Contains("swa_full"));
  EXPECT_THAT(knobs_lacked(cousin_), Not(Contains("n_cpu_moe")));
}

TEST_F(Spelled, FitIsTurnedOffOnlyWhereItCanBe) {
  EXPECT_THAT(spell(current_, Extra::no_fit).words, ElementsAre("--fit", "off"));
  EXPECT_THAT(spell(elder_, Extra::no_fit).words, IsEmpty());
  EXPECT_THAT(spell(cousin_, Extra::no_fit).words, IsEmpty()) << "its --fit turns it on";
}

TEST_F(Spelled, BufferLinesNeedTheirLevel) {
  EXPECT_THAT(spell(current_, Extra::buffer_lines).words, ElementsAre("--verbosity", "4"));
  EXPECT_THAT(spell(elder_, Extra::buffer_lines).words, IsEmpty());
}

TEST_F(Spelled, ExtrasInEachDialect) {
  EXPECT_THAT(spell(current_, Extra::no_ui).words, ElementsAre("--no-ui"));
  EXPECT_THAT(spell(elder_, Extra::no_ui).words, IsEmpty());
  EXPECT_THAT(spell(cousin_, Extra::no_ui).words, ElementsAre("--webui", "none"));
  EXPECT_THAT(spell(current_, Extra::api_key, "k").words, ElementsAre("--api-key", "k"));
  EXPECT_THAT(spell(elder_, Extra::rpc, "a:1").lacks, HasSubstr("it has no --rpc"));
  EXPECT_THAT(spell(cousin_, Extra::slots).words, IsEmpty()) << "it answers unless told not to";
}

}  // namespace
}  // namespace sweetspot::dialect
