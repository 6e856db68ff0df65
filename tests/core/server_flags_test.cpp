#include "core/server_flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<ServerArgument> read_words(std::vector<std::string> words) {
  return read_server_arguments(words);
}

TEST(ServerFlags, AreFoundByEveryName) {
  ASSERT_NE(find_server_flag("-md"), nullptr);
  EXPECT_EQ(find_server_flag("-md"), find_server_flag("--model-draft"));
  EXPECT_EQ(find_server_flag("-md")->kind, FlagKind::draft);
  EXPECT_EQ(find_server_flag("-mdx"), nullptr);
  EXPECT_EQ(find_server_flag(""), nullptr);
  EXPECT_EQ(find_knob_of_flag("-ngl"), find_knob("n_gpu_layers"));
  EXPECT_EQ(find_knob_of_flag("--gpu-layers"), find_knob("n_gpu_layers"));
}

TEST(ServerFlags, AShorthandSetsAKnobThatTakesItsText) {
  for (const ServerFlag& flag : server_flags()) {
    ASSERT_EQ(flag.kind == FlagKind::shorthand, !flag.knob.empty()) << flag.names;
    if (flag.knob.empty()) continue;
    Config config;
    ASSERT_NE(find_knob(flag.knob), nullptr) << flag.names;
    EXPECT_TRUE(find_knob(flag.knob)->set(config, flag.text)) << flag.names;
  }
}

TEST(ServerArguments, AValueIsNeverTakenForAFlag) {
  const auto said = read_words({"--alias", "-c", "-ngl", "-1", "--control-vector-layer-range", "1",
                                "2", "-kvu", "-c", "512"});
  ASSERT_EQ(said.size(), 5U);
  EXPECT_THAT(said[0].values, ElementsAre("-c"));
  EXPECT_THAT(said[1].values, ElementsAre("-1"));
  EXPECT_THAT(said[2].values, ElementsAre("1", "2"));
  EXPECT_THAT(said[3].values, IsEmpty());
  EXPECT_EQ(said[4].knob, find_knob("n_ctx"));
}

TEST(ServerArguments, AreSpelledAsLlamaCppReadsThem) {
  const auto said =
      read_words({"--ctx_size", "512", "-ngl=3", "--cache-type-k=q8_0", "model.gguf"});
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0].name, "--ctx-size");
  EXPECT_EQ(said[0].knob_text(), "512");
  EXPECT_EQ(said[1].knob_text(), "3");
  EXPECT_EQ(said[2].knob_text(), "q8_0");
}

TEST(ServerArguments, SwitchesAndShorthandsSayWhatTheySet) {
  const auto said =
      read_words({"-nkvo", "-kvo", "--no-kv-unified", "-no-kvu", "-cmoe", "--no-mmap"});
  std::vector<std::string> texts;
  for (const ServerArgument& one : said) texts.push_back(one.knob_text());
  EXPECT_THAT(texts, ElementsAre("off", "on", "off", "off", "512", "none"));
  EXPECT_EQ(said[4].sets(), find_knob("n_cpu_moe"));
  EXPECT_EQ(said[5].sets(), find_knob("load_mode"));
}

TEST(ServerArguments, OfAFlagThatNobodyKnowsTheNextWordMayBeTheValue) {
  const auto said = read_words({"--brand-new", "7", "--other", "--metrics"});
  ASSERT_EQ(said.size(), 3U);
  EXPECT_THAT(said[0].values, ElementsAre("7"));
  EXPECT_THAT(said[1].values, IsEmpty());
  EXPECT_EQ(said[1].flag, nullptr);
}

}  // namespace
}  // namespace sweetspot
