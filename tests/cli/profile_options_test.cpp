#include "cli/profile_options.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/llama_flags.hpp"
#include "core/knobs.hpp"

namespace sweetspot::cli {
namespace {

Result<profiler::Request> parse_profile(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"sweetspot", "model.gguf"});
  CLI::App app;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  ProfileOptions options;
  add_profile_options(app, options);
  auto spelled = spell_out_flags(arguments, app);
  if (!spelled) return tl::unexpected(spelled.error());
  std::reverse(spelled->begin(), spelled->end());
  app.parse(*spelled);
  Environment environment;
  environment.workplace.worker_program = "/bin/true";  // any program: nothing is started here
  auto profile = make_profile(options, environment);
  if (!profile) return tl::unexpected(profile.error());
  return std::move(profile->request);
}

TEST(ProfileOptions, DefaultsAreThoseOfTheConfigAndTheMission) {
  const auto request = parse_profile({});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->base, Config{});
  EXPECT_DOUBLE_EQ(request->precision, 0.01);
  EXPECT_DOUBLE_EQ(request->bands.performance_percent, 85);
  EXPECT_FALSE(request->vram_limit_bytes);
  EXPECT_TRUE(request->n_ctx_is_default);
}

TEST(ProfileOptions, EveryKnobButTheLayersIsAnOption) {
  CLI::App app;
  ProfileOptions options;
  add_profile_options(app, options);
  for (const Knob& knob : knobs()) {
    std::string long_name(knob.flags.substr(knob.flags.find("--")));
    long_name = long_name.substr(0, long_name.find(','));
    EXPECT_NE(app.get_option_no_throw(long_name), nullptr) << long_name;
  }
}

TEST(ProfileOptions, ReadsWhatIsGiven) {
  const auto request =
      parse_profile({"-c", "8192", "-ctk", "q8_0", "-fa", "on", "--precision", "2.5%", "--bands",
                     "40,60,80", "--vram-limit", "6GiB", "--full-depth", "never", "-c", "2048"});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->base.context.n_ctx, 2048U) << "the last one wins, as in llama.cpp";
  EXPECT_FALSE(request->n_ctx_is_default);
  EXPECT_EQ(request->base.context.type_k, "q8_0");
  EXPECT_EQ(request->base.context.flash_attn, FlashAttention::on);
  EXPECT_DOUBLE_EQ(request->precision, 0.025);
  EXPECT_DOUBLE_EQ(request->bands.fast_percent, 40);
  EXPECT_EQ(request->vram_limit_bytes, std::uint64_t{6} << 30U);
  EXPECT_EQ(request->full_depth, profiler::FullDepthPolicy::never);
}

TEST(ProfileOptions, SwitchesAndListsWorkAsInLlamaCpp) {
  const auto request = parse_profile({"-nkvo", "-kvu", "-np", "4", "-ts", "3,1", "-ot", "a=CPU",
                                      "-ot", "b=CPU,c=CPU", "-ncmoe", "7", "-sm", "row"});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_FALSE(request->base.context.kv_offload);
  EXPECT_TRUE(request->base.context.kv_unified);
  EXPECT_FALSE(request->base.context.swa_full);
  EXPECT_EQ(request->base.context.n_parallel, 4U);
  EXPECT_EQ(request->base.placement.tensor_split, (std::vector<double>{3, 1}));
  EXPECT_EQ(request->base.placement.override_tensor,
            (std::vector<std::string>{"a=CPU", "b=CPU", "c=CPU"}));
  EXPECT_EQ(request->base.placement.n_cpu_moe, 7);
  EXPECT_EQ(request->base.placement.split_mode, SplitMode::row);
}

TEST(ProfileOptions, RefusesWithTheFlagsName) {
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"--precision", "0"},    {"--precision", "60%"},     {"--precision", "abc"},
      {"--bands", "70,50,85"}, {"--vram-limit", "lots"},   {"--ctx-size", "-1"},
      {"--n-gen", "0"},        {"--cache-type-v", "q2_K"}, {"--layers", "abc"}};
  for (const auto& [flag, value] : wrong) {
    const auto request = parse_profile({flag, value});
    ASSERT_FALSE(request) << flag;
    EXPECT_EQ(request.error().kind, ErrorKind::usage);
    EXPECT_NE(request.error().message.find(flag), std::string::npos) << request.error().message;
  }
}

TEST(SweepMode, NothingGivenIsNotTheSameAsQuick) {
  ProfileOptions options;
  EXPECT_EQ(sweep_mode(options), SweepMode::unasked);
  options.quick = true;
  EXPECT_EQ(sweep_mode(options), SweepMode::quick);
  options.quick = false;
  options.layers = "0,1";
  EXPECT_EQ(sweep_mode(options), SweepMode::custom);
}

}  // namespace
}  // namespace sweetspot::cli
