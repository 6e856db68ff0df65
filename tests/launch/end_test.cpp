#include "launch/end.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace sweetspot::launch {
namespace {

using process::ExitStatus;
using testing::HasSubstr;

constexpr ExitStatus kOne{1, std::nullopt};
constexpr ExitStatus kAborted{std::nullopt, SIGABRT};

TEST(EndOfExit, TellsMemoryFromACrash) {
  const End full = end_of_exit("llama-server", kOne,
                               "ggml_backend_cuda: cudaMalloc failed: out of memory\n"
                               "llama_model_load: error loading model: unable to allocate\n",
                               false);
  EXPECT_EQ(full.kind, EndKind::out_of_memory);
  EXPECT_THAT(full.message, HasSubstr("memory is too small"));

  const End crash =
      end_of_exit("llama-server", kAborted, "/src/ggml/ggml.c:12: GGML_ASSERT(x) failed\n", false);
  EXPECT_EQ(crash.kind, EndKind::crashed);
  EXPECT_THAT(crash.message, HasSubstr("SIGABRT"));
  EXPECT_THAT(crash.message, HasSubstr("GGML_ASSERT"));
  EXPECT_EQ(crash.status, kAborted);
}

TEST(EndOfExit, AContextThatDoesNotFitIsMemoryToo) {
  EXPECT_EQ(
      end_of_exit("llama-server", kOne, "failed to allocate compute pp buffers\n", false).kind,
      EndKind::out_of_memory);
}

TEST(EndOfExit, WhatEveryProfileShares) {
  const End argument =
      end_of_exit("llama-server", kOne, "x\nerror: invalid argument: --fooo\n", false);
  EXPECT_EQ(argument.kind, EndKind::hopeless);
  EXPECT_EQ(argument.error, ErrorKind::usage);
  EXPECT_THAT(argument.message, HasSubstr("--fooo"));

  const End model =
      end_of_exit("llama-server", kOne, "error loading model: invalid magic\n", false);
  EXPECT_EQ(model.kind, EndKind::hopeless);
  EXPECT_EQ(model.error, ErrorKind::model);

  const End threads =
      end_of_exit("llama-server", kAborted,
                  "terminate called after throwing an instance of 'std::system_error'\n"
                  "  what():  Resource temporarily unavailable\n",
                  false);
  EXPECT_EQ(threads.kind, EndKind::hopeless);
  EXPECT_EQ(threads.error, ErrorKind::host_limit);
  EXPECT_THAT(threads.message, HasSubstr("ulimit -u"));

  const End port = end_of_exit("llama-server", kOne,
                               "srv start: couldn't bind HTTP server socket, port: 80\n", false);
  EXPECT_EQ(port.kind, EndKind::hopeless);
}

TEST(EndOfExit, OnceItWorkedTheModelIsNotBlamed) {
  EXPECT_EQ(end_of_exit("s", kOne, "error loading model: invalid magic\n", true).kind,
            EndKind::crashed);
}

TEST(EndOfExit, CodeZeroIsTheProgramsOwnWish) {
  EXPECT_EQ(end_of_exit("s", ExitStatus{0, std::nullopt}, "CUDA error: out of memory", false).kind,
            EndKind::exited);
}

TEST(EndOfExit, HostileOutputIsEscaped) {
  const End end = end_of_exit("s", kOne, "bad \x1b[31m thing\n", false);
  EXPECT_EQ(end.message.find('\x1b'), std::string::npos);
}

TEST(EndOfRefusal, AnErrorAnswerAfterAMemoryLineIsMemory) {
  EXPECT_EQ(end_of_refusal("s", "answered 500", "CUDA error: out of memory\n").kind,
            EndKind::out_of_memory);
  EXPECT_EQ(end_of_refusal("s", "answered 500", "hello\n").kind, EndKind::crashed);
}

}  // namespace
}  // namespace sweetspot::launch
