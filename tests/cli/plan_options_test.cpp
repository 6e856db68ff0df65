#include "cli/plan_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "cli/llama_flags.hpp"
#include "core/knobs.hpp"

namespace sweetspot::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<profiler::PlanJob> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), {"sweetspot", "model.gguf"});
  CLI::App app;
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  PlanOptions options;
  add_plan_options(app, options);
  auto spelled = spell_out_flags(arguments, app);
  if (!spelled) return tl::unexpected(spelled.error());
  std::reverse(spelled->begin(), spelled->end());
  app.parse(*spelled);
  Environment environment;
  environment.workplace.worker_program = "/bin/true";  // any program: nothing is started here
  return make_plan_job(options, environment);
}

TEST(PlanOptions, DefaultsAreThoseOfTheConfig) {
  const auto job = parse({});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->model_path, "model.gguf");
  EXPECT_EQ(job->base, Config{});
  EXPECT_TRUE(job->n_ctx_is_default);
  EXPECT_FALSE(job->allow_beyond_trained_context);
  EXPECT_THAT(job->contexts, IsEmpty());
  EXPECT_THAT(job->cache_types, IsEmpty());
  EXPECT_THAT(job->rules.limits_bytes, IsEmpty());
  EXPECT_FALSE(job->host);
  EXPECT_TRUE(job->cache_ram_is_default);
  EXPECT_DOUBLE_EQ(job->rules.percent, 85);
  EXPECT_EQ(job->rules.reserve_bytes, 0U);
  EXPECT_FALSE(job->driver_share_bytes);
}

TEST(PlanOptions, EveryKnobIsAnOption) {
  CLI::App app;
  PlanOptions options;
  add_plan_options(app, options);
  for (const Knob& knob : knobs()) {
    std::string long_name(knob.flags.substr(knob.flags.find("--")));
    long_name = long_name.substr(0, long_name.find(','));
    EXPECT_NE(app.get_option_no_throw(long_name), nullptr) << long_name;
  }
}

TEST(PlanOptions, KnobsAreReadAsLlamaCppReadsThem) {
  const auto job = parse({"-ngl",  "24",
                          "-c",    "16384",
                          "-ctk",  "q8_0",
                          "-ctv",  "q4_0",
                          "-fa",   "on",
                          "-nkvo", "-np",
                          "4",     "-ncmoe",
                          "7",     "-ts",
                          "3,1",   "-ot",
                          "a=CPU", "-ot",
                          "b=CPU", "--allow-untrained-ctx"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->base.placement.n_gpu_layers, 24);
  EXPECT_EQ(job->base.context.n_ctx, 16384U);
  EXPECT_FALSE(job->n_ctx_is_default);
  EXPECT_EQ(job->base.context.type_k, "q8_0");
  EXPECT_EQ(job->base.context.type_v, "q4_0");
  EXPECT_EQ(job->base.context.flash_attn, FlashAttention::on);
  EXPECT_FALSE(job->base.context.kv_offload);
  EXPECT_EQ(job->base.context.n_parallel, 4U);
  EXPECT_EQ(job->base.placement.n_cpu_moe, 7);
  EXPECT_THAT(job->base.placement.tensor_split, ElementsAre(3, 1));
  EXPECT_THAT(job->base.placement.override_tensor, ElementsAre("a=CPU", "b=CPU"));
  EXPECT_TRUE(job->allow_beyond_trained_context);
}

TEST(PlanOptions, LayersGoByAllTheirNames) {
  for (const char* name : {"-ngl", "--n-gpu-layers", "--gpu-layers", "--layers"}) {
    const auto job = parse({name, "7"});
    ASSERT_TRUE(job) << job.error().message;
    EXPECT_EQ(job->base.placement.n_gpu_layers, 7) << name;
  }
}

TEST(PlanOptions, ContextsAndCacheTypesAreLists) {
  const auto job = parse({"--contexts", "4096,8192", "--contexts", "1024", "--cache-types",
                          "f16,q8_0", "--cache-types", "q4_0"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_THAT(job->contexts, ElementsAre(4096, 8192, 1024));
  EXPECT_THAT(job->cache_types,
              ElementsAre(plan::CacheTypes{"f16", "f16"}, plan::CacheTypes{"q8_0", "q8_0"},
                          plan::CacheTypes{"q4_0", "q4_0"}));
  EXPECT_TRUE(job->n_ctx_is_default) << "columns are no wish for a context";
}

TEST(PlanOptions, BudgetsAreSizes) {
  const auto job = parse({"--vram-limit", "6GiB", "--vram-percent", "70", "--reserve", "512MiB",
                          "--driver-share", "300MiB"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_THAT(job->rules.limits_bytes, ElementsAre(std::uint64_t{6} << 30U));
  EXPECT_DOUBLE_EQ(job->rules.percent, 70);
  EXPECT_EQ(job->rules.reserve_bytes, std::uint64_t{512} << 20U);
  EXPECT_EQ(job->driver_share_bytes, std::uint64_t{300} << 20U);
}

TEST(PlanOptions, AMachineThatIsNotHereIsDescribedByItsCardsAndItsMemory) {
  const auto job = parse({"--vram-limit", "24GiB,8GiB", "--host-memory", "64GiB"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_THAT(job->rules.limits_bytes,
              ElementsAre(std::uint64_t{24} << 30U, std::uint64_t{8} << 30U));
  ASSERT_TRUE(job->host);
  EXPECT_EQ(job->host->total_bytes, std::uint64_t{64} << 30U);
  EXPECT_EQ(job->host->reserve_bytes, std::uint64_t{2} << 30U) << "as a machine of that size keeps";
  const auto given = parse({"--host-memory", "64GiB", "--host-reserve", "8GiB"});
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_EQ(given->host->reserve_bytes, std::uint64_t{8} << 30U);
}

TEST(PlanOptions, ServerSettingsThatAreGivenAreNotDefaults) {
  const auto job = parse({"--cache-ram", "512", "-ctxcp", "4"});
  ASSERT_TRUE(job) << job.error().message;
  EXPECT_EQ(job->base.server, (ServerSettings{512, 4}));
  EXPECT_FALSE(job->cache_ram_is_default);
  EXPECT_FALSE(job->checkpoints_are_default);
}

TEST(PlanOptions, ErrorsNameTheirFlag) {
  const std::vector<std::pair<const char*, const char*>> wrong = {
      {"--contexts", "0"},
      {"--contexts", "abc"},
      {"--contexts", "99999999999"},
      {"--cache-types", "q9"},
      {"--cache-types", "f16,q9"},
      {"--vram-limit", "lots"},
      {"--vram-limit", "8GiB,"},
      {"--vram-limit", "8GiB,x"},
      {"--vram-limit", "0GiB"},
      {"--host-memory", "big"},
      {"--vram-limit", "-1GiB"},
      {"--reserve", "half"},
      {"--driver-share", "1 banana"},
      {"--ctx-size", "-1"},
      {"--parallel", "257"},
      {"--cache-type-k", "q9"},
      {"--split-mode", "both"},
      {"--tensor-split", "1,-1"},
      {"--main-gpu", "-1"},
      {"--n-cpu-moe", "-3"},
      {"--override-tensor", "x"},
      {"--n-gpu-layers", "many"},
      {"--batch-size", "0"},
      {"--ubatch-size", "-1"},
      {"--flash-attn", "maybe"},
  };
  for (const auto& [flag, value] : wrong) {
    const auto job = parse({flag, value});
    if (job) {
      ADD_FAILURE() << flag << " takes " << value;
      continue;
    }
    EXPECT_EQ(job.error().kind, ErrorKind::usage) << flag;
    EXPECT_THAT(job.error().message, HasSubstr(flag)) << value;
  }
}

TEST(PlanOptions, ASharesPercentIsOneOfAHundred) {
  for (const char* value : {"0", "101", "-5", "much"}) {
    EXPECT_THROW(static_cast<void>(parse({"--vram-percent", value})), CLI::ParseError) << value;
  }
  const auto job = parse({"--vram-percent", "nan"});
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().message, HasSubstr("--vram-percent"));
}

TEST(PlanOptions, FlagsAndJsonExcludeEachOther) {
  EXPECT_THROW(static_cast<void>(parse({"--flags", "--json"})), CLI::ParseError);
}

}  // namespace
}  // namespace sweetspot::cli
