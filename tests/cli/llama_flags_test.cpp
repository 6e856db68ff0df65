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

TEST(ParserNames, SplitsWhatTheParserKnowsFromWhatHelpMustSay) {
  EXPECT_EQ(parser_names("-c,--ctx-size"), "-c,--ctx-size");
  EXPECT_EQ(also_known_as("-c,--ctx-size"), "");
  EXPECT_EQ(parser_names("-ctk,--cache-type-k"), "--cache-type-k");
  EXPECT_EQ(also_known_as("-ctk,--cache-type-k"), " (also -ctk)");
}

}  // namespace
}  // namespace sweetspot::cli
