#include "launch/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/no_device.hpp"

namespace sweetspot::launch {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;
using Arguments = std::vector<std::string>;

const Endpoint kListen = {"127.0.0.1", 8080};

SavedProfile profile(int layers = 12) {
  SavedProfile made;
  made.name = "fast";
  made.config.placement.n_gpu_layers = layers;
  if (layers == 0) made.config.placement = cpu_alone(made.config.placement);
  made.config.context.n_ctx = 4096;
  return made;
}

Program program_of(Arguments argv) {
  const ProgramKind kind = kind_of(argv.front());
  return {std::move(argv), kind};
}

Arguments command(Arguments argv, const Arguments& rpc = {}, const SavedProfile& made = profile()) {
  const auto result = command_for(program_of(std::move(argv)), made, "/m/a b.gguf", rpc, kListen);
  EXPECT_TRUE(result) << result.error().message;
  return *result;
}

// The value after each occurrence of the flag.
Arguments values(const Arguments& arguments, const std::string& flag) {
  Arguments found;
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] == flag) found.push_back(arguments[i + 1]);
  }
  return found;
}

TEST(KindOf, GoesByTheName) {
  EXPECT_EQ(kind_of("/usr/bin/llama-server"), ProgramKind::llama_server);
  EXPECT_EQ(kind_of("llama-cli"), ProgramKind::llama_cli);
  EXPECT_EQ(kind_of("./llama-completion"), ProgramKind::llama_completion);
  EXPECT_EQ(kind_of("/usr/bin/python3"), ProgramKind::other);
}

TEST(CommandFor, AServerGetsFlagsAndAnAddress) {
  const Arguments line = command({"/bin/llama-server", "--metrics"}, {"127.0.0.1:50052"});
  EXPECT_EQ(line.front(), "/bin/llama-server");
  EXPECT_EQ(line.back(), "--metrics");
  EXPECT_THAT(values(line, "--model"), ElementsAre("/m/a b.gguf"));
  EXPECT_THAT(values(line, "--n-gpu-layers"), ElementsAre("12"));
  EXPECT_THAT(values(line, "--rpc"), ElementsAre("127.0.0.1:50052"));
  EXPECT_THAT(values(line, "--port"), ElementsAre("8080"));
  EXPECT_THAT(values(line, "--fit"), ElementsAre("off"));
}

TEST(CommandFor, WhatTheUserSaysWinsAndIsSaidOnce) {
  const Arguments line = command({"llama-server", "-c", "512", "-ngl=3", "--port", "9", "-fit",
                                  "on", "-m", "x.gguf", "--batch-size", "64"});
  EXPECT_THAT(values(line, "--ctx-size"), ElementsAre());
  EXPECT_THAT(values(line, "-c"), ElementsAre("512"));
  EXPECT_THAT(line, Not(Contains("--n-gpu-layers")));
  EXPECT_THAT(values(line, "--port"), ElementsAre("9"));
  EXPECT_THAT(line, Not(Contains("--fit")));
  EXPECT_THAT(line, Not(Contains("--model")));
  EXPECT_THAT(values(line, "--batch-size"), ElementsAre("64"));
  EXPECT_THAT(values(line, "--ubatch-size"), ElementsAre("512")) << "what he does not say is ours";
}

TEST(CommandFor, ASwitchTheUserSaysDoesNotSwallowTheNextFlag) {
  SavedProfile made = profile();
  made.config.context.kv_offload = false;
  made.config.context.n_threads = 3;
  const Arguments line = command({"llama-server", "--kv-offload"}, {}, made);
  EXPECT_THAT(line, Not(Contains("--no-kv-offload")));
  EXPECT_THAT(values(line, "--threads"), ElementsAre("3"));
  EXPECT_THAT(command({"llama-server"}, {}, made), Contains("--no-kv-offload"));
}

TEST(CommandFor, TheCpuProfileTouchesNoDevice) {
  const Arguments line = command({"llama-server"}, {"127.0.0.1:50052"}, profile(0));
  EXPECT_THAT(values(line, "--device"), ElementsAre("none"));
  EXPECT_THAT(line, Not(Contains("--rpc")));
}

TEST(CommandFor, LlamaCliGetsNoAddressAndNoFlagOfServers) {
  SavedProfile made = profile();
  made.config.context.kv_unified = true;
  const Arguments line = command({"llama-cli", "-p", "hi"}, {}, made);
  EXPECT_THAT(line, Not(Contains("--port")));
  EXPECT_THAT(line, Not(Contains("--kv-unified")));
  EXPECT_THAT(line, IsSupersetOf({"--n-gpu-layers", "-p", "hi"}));
  EXPECT_THAT(command({"llama-server"}, {}, made), Contains("--kv-unified"));
}

TEST(CommandFor, OtherProgramsArePlaceholders) {
  EXPECT_THAT(command({"/x/host", "--weights={model}", "{n_gpu_layers}/{n_ctx}", "{port}",
                       R"({"json":1})", "${SHELL}"}),
              ElementsAre("/x/host", "--weights=/m/a b.gguf", "12/4096", "8080", R"({"json":1})",
                          "${SHELL}"));
}

TEST(CommandFor, FlagsAloneAreArgumentsAndInsideATextTheyAreQuoted) {
  const Arguments alone = command({"/x/host", "{flags}"});
  EXPECT_THAT(values(alone, "--model"), ElementsAre("/m/a b.gguf"));
  const Arguments inside = command({"/bin/sh", "-c", "exec llama-server {flags}"});
  ASSERT_EQ(inside.size(), 3U);
  EXPECT_THAT(inside[2], HasSubstr("exec llama-server --model '/m/a b.gguf' --n-gpu-layers 12"));
}

TEST(CommandFor, AnUnknownPlaceholderIsNamed) {
  const auto result = command_for(program_of({"/x/host", "{layers}"}), profile(), "m", {}, kListen);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
  EXPECT_THAT(result.error().message, HasSubstr("{layers}"));
}

TEST(CommandFor, AProgramThatWouldNotLearnOfTheProfileIsRefused) {
  const auto result =
      command_for(program_of({"/x/host", "model.gguf"}), profile(), "m", {}, kListen);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::usage);
}

TEST(AddressOf, TheUsersWordsWin) {
  const auto plain = address_of(program_of({"llama-server"}), kListen, "key");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->ask.port, 8080);
  EXPECT_EQ(plain->api_key, "key");

  const auto said = address_of(program_of({"llama-server", "--host", "0.0.0.0", "--port=99",
                                           "--api-prefix", "/v", "--api-key", "a,b"}),
                               kListen, "");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->listen.host, "0.0.0.0");
  EXPECT_EQ(said->ask.host, "127.0.0.1");
  EXPECT_EQ(said->ask.port, 99);
  EXPECT_EQ(said->prefix, "/v");
  EXPECT_EQ(said->api_key, "a");
  EXPECT_FALSE(said->tls);
}

TEST(AddressOf, WhatCannotBeWatchedIsRefused) {
  EXPECT_FALSE(address_of(program_of({"llama-server", "--host", "/run/x.sock"}), kListen, ""));
  EXPECT_FALSE(address_of(program_of({"llama-server", "--host", "1.2.3.4,5.6.7.8"}), kListen, ""));
  EXPECT_FALSE(address_of(program_of({"llama-server", "--port", "0"}), kListen, ""));
}

TEST(HasPort, OfServersAndOfWhoSaysSo) {
  EXPECT_TRUE(has_port(program_of({"llama-server"})));
  EXPECT_FALSE(has_port(program_of({"llama-cli"})));
  EXPECT_TRUE(has_port(program_of({"/x/host", "--listen=:{port}"})));
  EXPECT_FALSE(has_port(program_of({"/x/host", "{model}"})));
}

TEST(CommandFor, AnEngineIsToldInItsWords) {
  Program program = program_of({"/usr/bin/docker", "--metrics", "-t", "4"});
  program.kind = ProgramKind::llama_server;
  program.starter = {"run", "-v", "/m:/m", "-t", "IMAGE"};
  program.abilities = dialect::read_abilities(
      {"-m,    --model FNAME      file\n-c,    --ctx-size N     context\n"
       "-ngl,  --gpu-layers N      layers\n-t,    --threads N     threads\n"
       "--host HOST     address\n--port PORT     port\n-fa,   --flash-attn     it\n",
       "version: 4100 (x)", ""});
  SavedProfile made = profile();
  made.config.context.flash_attn = FlashAttention::on;
  made.config.context.n_threads = 2;
  made.config.placement.n_cpu_ffn = 1;
  const auto result = command_for(program, made, "/m/a.gguf", {}, kListen);
  ASSERT_TRUE(result);
  EXPECT_THAT(*result,
              ElementsAre("/usr/bin/docker", "run", "-v", "/m:/m", "-t", "IMAGE", "--model",
                          "/m/a.gguf", "--gpu-layers", "12", "--ctx-size", "4096", "--flash-attn",
                          "--host", "127.0.0.1", "--port", "8080", "--metrics", "-t", "4"))
      << "a container's -t are not threads, and the user's -t comes before ours";
  EXPECT_THAT(untold(program, made), ElementsAre(HasSubstr("--n-cpu-ffn")));
  EXPECT_TRUE(untold(program_of({"llama-server"}), made).empty());
}

}  // namespace
}  // namespace sweetspot::launch
