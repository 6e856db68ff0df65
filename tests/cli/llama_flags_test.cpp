#include "cli/llama_flags.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/plan_options.hpp"
#include "cli/profile_options.hpp"

namespace sweetspot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A program with two commands, one that has the knobs and one that has not.
class SpellOutFlags : public testing::Test {
 protected:
  SpellOutFlags() {
    add_profile_options(*app_.add_subcommand("profile"), profile_);
    app_.add_subcommand("launch")->add_option("--port", port_);
  }

  Result<std::vector<std::string>> spelled(std::vector<const char*> words) {
    words.insert(words.begin(), "sweetspot");
    return spell_out_flags(words, app_);
  }

  std::string refusal(const std::vector<const char*>& words) {
    const auto result = spelled(words);
    if (result) return {};
    EXPECT_EQ(result.error().kind, ErrorKind::usage);
    EXPECT_FALSE(result.error().remedy.empty());
    return result.error().message;
  }

 private:
  CLI::App app_;
  ProfileOptions profile_;
  int port_ = 0;
};

TEST_F(SpellOutFlags, TurnsLlamaCppsShortFlagsIntoLongOnes) {
  EXPECT_THAT(*spelled({"profile", "m.gguf", "-ngl", "0,-1", "-ctk", "q8_0", "-ub", "64", "-c",
                        "512", "-fa", "on"}),
              ElementsAre("profile", "m.gguf", "--n-gpu-layers", "0,-1", "--cache-type-k", "q8_0",
                          "--ubatch-size", "64", "-c", "512", "--flash-attn", "on"));
}

TEST_F(SpellOutFlags, LeavesEverythingAfterADoubleDashAlone) {
  EXPECT_THAT(*spelled({"launch", "--", "-ngl", "3", "-hf"}),
              ElementsAre("launch", "--", "-ngl", "3", "-hf"));
}

TEST_F(SpellOutFlags, KnowsBothNamesOfASwitch) {
  EXPECT_THAT(*spelled({"profile", "-nkvo", "-kvo"}),
              ElementsAre("profile", "--no-kv-offload", "--kv-offload"));
}

TEST_F(SpellOutFlags, TurnsAShorthandIntoWhatItSets) {
  EXPECT_THAT(
      *spelled({"profile", "-cmoe", "--no_mmap", "--gpu-layers=3"}),
      ElementsAre("profile", "--n-cpu-moe", "512", "--load-mode", "none", "--gpu-layers=3"));
  EXPECT_THAT(refusal({"profile", "--cpu-moe=1"}), HasSubstr("takes no value"));
}

TEST_F(SpellOutFlags, LeavesNumbersBehindAShortFlagToTheParser) {
  EXPECT_THAT(*spelled({"profile", "-c512", "-d", "-1"}),
              ElementsAre("profile", "-c512", "-d", "-1"));
}

TEST_F(SpellOutFlags, RefusesByNameWhatACommandDoesNotHave) {
  EXPECT_THAT(refusal({"profile", "-hf", "x/y"}), HasSubstr("profile does not take -hf"));
  EXPECT_THAT(refusal({"profile", "--rope_scaling", "yarn"}), HasSubstr("--rope-scaling"));
  EXPECT_THAT(refusal({"launch", "-c", "512"}), HasSubstr("launch does not take -c"));
  EXPECT_THAT(refusal({"launch", "-cmoe"}), HasSubstr("launch does not take -cmoe"));
  EXPECT_THAT(refusal({"profile", "-cx"}), HasSubstr("unknown option -cx for `profile`"));
  EXPECT_EQ(refusal({"launch", "--port", "1"}), "");
}

TEST_F(SpellOutFlags, NamesWhatMayHaveBeenMeantAndWhoseHelpApplies) {
  const auto remedy = [&](const std::vector<const char*>& words) {
    const auto result = spelled(words);
    return result ? std::string() : result.error().remedy;
  };
  EXPECT_EQ(remedy({"profile", "--ctx", "512"}),
            "did you mean --ctx-size (see sweetspot profile --help)");
  EXPECT_EQ(remedy({"launch", "--prot=1"}), "did you mean --port (see sweetspot launch --help)");
  EXPECT_EQ(remedy({"launch", "--frobnicate"}), "see sweetspot launch --help");
}

TEST(ParserNames, SplitsWhatTheParserKnowsFromWhatHelpMustSay) {
  EXPECT_EQ(parser_names(*find_knob("n_ctx")), "-c,--ctx-size");
  EXPECT_EQ(also_known_as(*find_knob("n_ctx")), "");
  EXPECT_EQ(parser_names(*find_knob("type_k")), "--cache-type-k");
  EXPECT_EQ(also_known_as(*find_knob("type_k")), " (also -ctk)");
  EXPECT_EQ(also_known_as(*find_knob("n_cpu_moe")), " (also -ncmoe, --cpu-moe)");
  EXPECT_EQ(parser_names(*find_knob("kv_offload")), "--kv-offload{on},--no-kv-offload{off}");
  EXPECT_EQ(also_known_as(*find_knob("kv_offload")), " (also -kvo, -nkvo)");
}

}  // namespace
}  // namespace sweetspot::cli
