#include "cli/llama_flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace sweetspot::cli {
namespace {

TEST(SpellOutFlags, TurnsLlamaCppsShortFlagsIntoLongOnes) {
  const std::array argv = {"sweetspot", "profile", "m.gguf", "-ngl", "0,-1", "-ctk", "q8_0",
                           "-ub",       "64",      "-c",     "512",  "-fa",  "on"};
  EXPECT_THAT(
      spell_out_flags(argv.size(), argv.data()),
      testing::ElementsAre("profile", "m.gguf", "--n-gpu-layers", "0,-1", "--cache-type-k", "q8_0",
                           "--ubatch-size", "64", "-c", "512", "--flash-attn", "on"));
}

TEST(SpellOutFlags, LeavesEverythingAfterADoubleDashAlone) {
  const std::array argv = {"sweetspot", "--", "-ngl", "3"};
  EXPECT_THAT(spell_out_flags(argv.size(), argv.data()), testing::ElementsAre("--", "-ngl", "3"));
}

TEST(SpellOutFlags, KnowsBothNamesOfASwitch) {
  const std::array argv = {"sweetspot", "-nkvo", "-kvo"};
  EXPECT_THAT(spell_out_flags(argv.size(), argv.data()),
              testing::ElementsAre("--no-kv-offload", "--kv-offload"));
}

TEST(ParserNames, SplitsWhatTheParserKnowsFromWhatHelpMustSay) {
  EXPECT_EQ(parser_names(*find_knob("n_ctx")), "-c,--ctx-size");
  EXPECT_EQ(also_known_as(*find_knob("n_ctx")), "");
  EXPECT_EQ(parser_names(*find_knob("type_k")), "--cache-type-k");
  EXPECT_EQ(also_known_as(*find_knob("type_k")), " (also -ctk)");
  EXPECT_EQ(parser_names(*find_knob("kv_offload")), "--kv-offload{on},--no-kv-offload{off}");
  EXPECT_EQ(also_known_as(*find_knob("kv_offload")), " (also -kvo, -nkvo)");
}

}  // namespace
}  // namespace sweetspot::cli
