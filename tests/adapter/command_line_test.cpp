#include "adapter/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::adapter {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

dialect::Abilities abilities(const std::string& help) {
  return dialect::read_abilities({help, "version: 7000 (abc)", ""});
}

constexpr const char* kHelp =
    "-m,    --model FNAME                    model path\n"
    "--host HOST                             address\n"
    "--port PORT                             port\n"
    "--api-key KEY                           key\n"
    "-t,    --threads N                      threads\n"
    "-tb,   --threads-batch N                threads\n"
    "-c,    --ctx-size N                     context\n"
    "-b,    --batch-size N                   batch\n"
    "-ub,   --ubatch-size N                  batch\n"
    "-ctk,  --cache-type-k TYPE              type\n"
    "-ctv,  --cache-type-v TYPE              type\n"
    "-fa,   --flash-attn [on|off|auto]       flash attention\n"
    "-ngl,  --gpu-layers, --n-gpu-layers N   layers\n"
    "-np,   --parallel N                     slots\n"
    "-kvu,  --kv-unified                     one cache\n"
    "-cram, --cache-ram N                    prompts\n"
    "-fit,  --fit [on|off]                   fit\n";

TEST(CommandLine, SaysWhatDefaultsCouldChange) {
  Config config;
  config.context.n_ctx = 512;
  const auto words = server_arguments(abilities(kHelp), in_words(config, 6), "m.gguf", {});
  ASSERT_TRUE(words) << words.error();
  EXPECT_THAT(*words, testing::IsSupersetOf({"--model", "m.gguf", "--ctx-size", "512", "--threads",
                                             "6", "--threads-batch", "--fit", "off"}));
  const auto cache = std::find(words->begin(), words->end(), "--cache-ram");
  ASSERT_NE(cache, words->end());
  EXPECT_EQ(*(cache + 1), "0") << "a prompt must not come from a cache of earlier ones";
  EXPECT_THAT(*words, Contains("--kv-unified")) << "or one slot becomes four";
}

TEST(CommandLine, WhereSlotsCanBeKeptApartTheyAre) {
  const auto words =
      server_arguments(abilities(std::string(kHelp).append("--no-kv-unified      apart\n")),
                       in_words({}, 2), "m.gguf", {});
  ASSERT_TRUE(words) << words.error();
  EXPECT_THAT(*words, Not(Contains("--kv-unified")));
}

TEST(CommandLine, NamesWhatTheEngineLacks) {
  Config config;
  config.placement.n_cpu_ffn = 3;
  const auto words = server_arguments(abilities(kHelp), in_words(config, 2), "m.gguf", {});
  ASSERT_FALSE(words);
  EXPECT_THAT(words.error(), HasSubstr("--n-cpu-ffn"));
  const auto rpc = server_arguments(abilities(kHelp), in_words({}, 2), "m.gguf", {"a:1"});
  ASSERT_FALSE(rpc);
  EXPECT_THAT(rpc.error(), HasSubstr("--rpc"));
}

}  // namespace
}  // namespace sweetspot::adapter
