#include "core/knobs.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sweetspot {
namespace {

TEST(Knobs, NamesAndFlagsAreUnique) {
  std::set<std::string_view> names;
  std::set<std::string> flags;
  for (const Knob& knob : knobs()) {
    EXPECT_TRUE(names.insert(knob.name).second) << knob.name;
    std::string_view rest = knob.flags;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      EXPECT_TRUE(flags.insert(std::string(rest.substr(0, comma))).second) << knob.flags;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
}

TEST(Knobs, EveryNumberRefusesWordsWithItsFlagInTheSentence) {
  for (const Knob& knob : knobs()) {
    Config config;
    if (!std::holds_alternative<std::int64_t>(knob.get(config))) continue;
    for (const char* text : {"abc", "", "12x", "1e3", "99999999999999999999", "-5"}) {
      const Status status = knob.set(config, text);
      ASSERT_FALSE(status) << knob.name << " took '" << text << "'";
      EXPECT_EQ(status.error().kind, ErrorKind::usage);
      auto longest = knob.flags.substr(knob.flags.find("--"));
      longest = longest.substr(0, longest.find(','));
      EXPECT_NE(status.error().message.find(longest), std::string::npos) << status.error().message;
      EXPECT_FALSE(status.error().remedy.empty());
    }
    EXPECT_EQ(config, Config{}) << "a refused value must change nothing";
  }
}

TEST(Knobs, SetShowsInGet) {
  Config config;
  ASSERT_TRUE(find_knob("n_ctx")->set(config, "8192"));
  ASSERT_TRUE(find_knob("devices")->set(config, "CUDA0,CUDA1"));
  ASSERT_TRUE(find_knob("type_k")->set(config, "q8_0"));
  EXPECT_EQ(std::get<std::int64_t>(find_knob("n_ctx")->get(config)), 8192);
  EXPECT_EQ(std::get<std::vector<std::string>>(find_knob("devices")->get(config)),
            (std::vector<std::string>{"CUDA0", "CUDA1"}));
  EXPECT_EQ(config.context.type_k, "q8_0");
  EXPECT_EQ(find_knob("no_such_knob"), nullptr);
}

TEST(Knobs, SwitchesTakeOnAndOff) {
  Config config;
  const Knob& offload = *find_knob("kv_offload");
  EXPECT_TRUE(is_switch(offload));
  EXPECT_FALSE(is_switch(*find_knob("n_ctx")));
  ASSERT_TRUE(offload.set(config, "off"));
  EXPECT_FALSE(config.context.kv_offload);
  ASSERT_TRUE(offload.set(config, "1"));
  EXPECT_TRUE(config.context.kv_offload);
  EXPECT_FALSE(offload.set(config, "maybe"));
}

TEST(Knobs, TakeLlamaCppsOwnWords) {
  Config config;
  for (const char* all : {"all", "auto", "-1"}) {
    config.placement.n_gpu_layers = 7;
    ASSERT_TRUE(find_knob("n_gpu_layers")->set(config, all)) << all;
    EXPECT_EQ(config.placement.n_gpu_layers, -1);
  }
  ASSERT_TRUE(find_knob("flash_attn")->set(config, "enabled"));
  EXPECT_EQ(config.context.flash_attn, FlashAttention::on);
  ASSERT_TRUE(find_knob("flash_attn")->set(config, "0"));
  EXPECT_EQ(config.context.flash_attn, FlashAttention::off);
  ASSERT_TRUE(find_knob("flash_attn")->set(config, "-1"));
  EXPECT_EQ(config.context.flash_attn, FlashAttention::automatic);
  ASSERT_TRUE(find_knob("n_parallel")->set(config, "-1"));
  EXPECT_EQ(config.context.n_parallel, 4U);
  EXPECT_TRUE(config.context.kv_unified) << "as llama-server's auto";
  ASSERT_TRUE(find_knob("n_ctx")->set(config, "0"));
  EXPECT_EQ(config.context.n_ctx, 0U);
}

TEST(Knobs, NoDeviceIsSaidAlone) {
  Config config;
  ASSERT_TRUE(find_knob("devices")->set(config, "none"));
  EXPECT_EQ(config.placement.devices, std::vector<std::string>{"none"});
  for (const char* text : {"none,CUDA0", "CUDA0,none", "", ","}) {
    EXPECT_FALSE(find_knob("devices")->set(config, text)) << text;
  }
}

TEST(Knobs, SplitsAreSharesThatAddUpToSomething) {
  Config config;
  const Knob& split = *find_knob("tensor_split");
  ASSERT_TRUE(split.set(config, "3,1.5"));
  EXPECT_EQ(config.placement.tensor_split, (std::vector<double>{3, 1.5}));
  ASSERT_TRUE(split.set(config, "3/1.5"));
  for (const char* text : {"", "a", "1,-1", "0,0", "nan", "1e999", "inf"}) {
    EXPECT_FALSE(split.set(config, text)) << text;
  }
  EXPECT_EQ(config.placement.tensor_split, (std::vector<double>{3, 1.5}));
}

TEST(Knobs, OverridesNeedAPatternAndABufferType) {
  Config config;
  const Knob& overrides = *find_knob("override_tensor");
  ASSERT_TRUE(overrides.set(config, "ffn_.*_exps=CPU,blk\\.0\\.=CUDA0"));
  EXPECT_EQ(config.placement.override_tensor.size(), 2U);
  for (const char* text : {"", "ffn", "=CPU", "ffn=", "a=CPU,b"}) {
    EXPECT_FALSE(overrides.set(config, text)) << text;
  }
}

TEST(Knobs, CacheTypesAreThoseOfLlamaCpp) {
  Config config;
  EXPECT_TRUE(find_knob("type_v")->set(config, "iq4_nl"));
  const Status status = find_knob("type_v")->set(config, "q2_K");
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().remedy.find("q8_0"), std::string::npos);
}

}  // namespace
}  // namespace sweetspot
