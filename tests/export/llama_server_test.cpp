#include "export/llama_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sweetspot::exporting {
namespace {

using testing::ElementsAre;
using testing::IsSupersetOf;

TEST(LlamaServerArguments, SayWhatDecidesMemoryAndWhatDiffers) {
  Config config;
  config.placement.n_gpu_layers = 20;
  config.context.n_ctx = 8192;
  EXPECT_THAT(llama_server_arguments(config, "/m.gguf"),
              ElementsAre("--model", "/m.gguf", "--n-gpu-layers", "20", "--ctx-size", "8192",
                          "--batch-size", "2048", "--ubatch-size", "512", "--parallel", "1",
                          "--cache-ram", "8192", "--fit", "off"));
}

TEST(LlamaServerArguments, SwitchesAndListsAreSpelledAsLlamaCppDoes) {
  Config config;
  config.placement.n_gpu_layers = 1;
  config.placement.tensor_split = {3, 1.5};
  config.placement.override_tensor = {"a=CPU", "b=CPU"};
  config.placement.n_cpu_moe = 7;
  config.context.kv_offload = false;
  config.context.kv_unified = true;
  config.context.swa_full = true;
  const auto arguments = llama_server_arguments(config, "m");
  EXPECT_THAT(arguments,
              IsSupersetOf({"--no-kv-offload", "--kv-unified", "--swa-full", "--tensor-split",
                            "3,1.5", "--override-tensor", "a=CPU,b=CPU", "--n-cpu-moe", "7"}));
  EXPECT_THAT(arguments, testing::Not(testing::Contains("on")));
}

TEST(LlamaServerArguments, SayWhatTheServerMayKeepForItself) {
  Config config;
  config.server = {1024, 4};
  EXPECT_THAT(llama_server_arguments(config, "m"),
              IsSupersetOf({"--cache-ram", "1024", "--ctx-checkpoints", "4"}));
}

TEST(LlamaServerArguments, NameServersBeforeTheirDevices) {
  Config config;
  config.placement.devices = {"RPC1"};
  const auto arguments = llama_server_arguments(config, "m", {"a:1", "b:2"});
  const auto servers = std::find(arguments.begin(), arguments.end(), "--rpc");
  const auto devices = std::find(arguments.begin(), arguments.end(), "--device");
  EXPECT_TRUE(servers < devices && devices != arguments.end());
}

TEST(ShellLine, QuotesWhatAShellWouldRead) {
  EXPECT_EQ(shell_line({"--model", "/a b/it's.gguf", "-c", "1"}),
            R"(--model '/a b/it'\''s.gguf' -c 1)");
  EXPECT_EQ(shell_line({"", "$HOME"}), "'' '$HOME'");
}

}  // namespace
}  // namespace sweetspot::exporting
