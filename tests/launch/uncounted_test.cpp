#include "launch/uncounted.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/no_device.hpp"

namespace sweetspot::launch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

SavedProfile fast() {
  SavedProfile profile;
  profile.name = "fast";
  profile.config.placement.n_gpu_layers = 12;
  return profile;
}

std::string told(std::vector<std::string> arguments, const std::vector<Variable>& environment = {},
                 const SavedProfile& profile = fast()) {
  arguments.insert(arguments.begin(), "llama-server");
  return uncounted({arguments, ProgramKind::llama_server}, profile, "/m.gguf", {"10.0.0.1:50052"},
                   environment);
}

TEST(Uncounted, NamesWhatChangesMemoryWithItsValue) {
  EXPECT_EQ(told({"-c", "131072", "-np", "8", "--mmproj", "p.gguf", "--metrics"}),
            "-c 131072, -np 8 and --mmproj p.gguf change memory and are not in the figures of the "
            "profile fast: measure profiles with the same settings, or keep room with --reserve");
  EXPECT_THAT(told({"--cpu-moe"}), HasSubstr("--cpu-moe changes memory and is not"));
}

TEST(Uncounted, SaysNothingOfWhatTheProfileSaysToo) {
  EXPECT_EQ(told({"-c", "4096", "-ngl", "12", "-np", "1", "--fit", "off", "-m", "/m.gguf", "--rpc",
                  "10.0.0.1:50052", "-t", "3", "-fa", "auto"}),
            "");
  SavedProfile cpu = fast();
  cpu.config.placement = cpu_alone(cpu.config.placement);
  EXPECT_EQ(told({"--device", "none"}, {}, cpu), "");
}

TEST(Uncounted, AFlagThatNobodyKnowsMayOrMayNot) {
  EXPECT_EQ(told({"--brand-new", "7"}), "whether --brand-new 7 changes memory is not known here");
}

TEST(Uncounted, AVariableCountsWhereNoFlagSaysOtherwise) {
  EXPECT_THAT(told({}, {{"LLAMA_ARG_CACHE_TYPE_K", "q8_0"}, {"LLAMA_ARG_CTX_SIZE", "99"}}),
              AllOf(HasSubstr("LLAMA_ARG_CACHE_TYPE_K=q8_0"), Not(HasSubstr("CTX_SIZE"))));
  EXPECT_EQ(told({"-ctk", "f16"}, {{"LLAMA_ARG_CACHE_TYPE_K", "q8_0"}}), "");
  EXPECT_EQ(told({}, {{"LLAMA_ARG_CACHE_TYPE_K", "f16"}, {"LLAMA_ARG_TEMPERATURE", "1"}}), "");
  EXPECT_THAT(told({}, {{"LLAMA_ARG_NO_KV_OFFLOAD", "0"}}), HasSubstr("LLAMA_ARG_NO_KV_OFFLOAD"));
  EXPECT_THAT(told({}, {{"LLAMA_ARG_CPU_MOE", "1"}}), HasSubstr("LLAMA_ARG_CPU_MOE=1"));
  EXPECT_EQ(told({}, {{"LLAMA_ARG_CPU_MOE", "0"}, {"LLAMA_ARG_NO_HOST", "off"}}), "");
  EXPECT_EQ(told({}, {{"LLAMA_ARG_RPC", "1.2.3.4:5"}, {"LLAMA_ARG_FIT", "on"}}), "")
      << "our flags win";
}

TEST(Uncounted, AConfigFileCountsLikeAVariable) {
  const std::string file = "/etc/llama.cpp/config.ini";
  EXPECT_THAT(told({}, {{"cache-type-k", "q8_0", file}}),
              HasSubstr("cache-type-k=q8_0 (in /etc/llama.cpp/config.ini) changes memory"));
  EXPECT_THAT(told({}, {{"no-kv-offload", "1", file}}), HasSubstr("no-kv-offload=1"));
  EXPECT_THAT(told({}, {{"LLAMA_ARG_SWA_FULL", "on", file}}), HasSubstr("LLAMA_ARG_SWA_FULL=on"));
  EXPECT_EQ(told({}, {{"kv-offload", "true", file}, {"c", "99", file}, {"alias", "x", file}}), "");
}

TEST(Uncounted, OtherProgramsAreNotUnderstood) {
  EXPECT_EQ(uncounted({{"python3", "-c", "131072"}, ProgramKind::other}, fast(), "/m.gguf", {}, {}),
            "");
}

}  // namespace
}  // namespace sweetspot::launch
