#include "dialect/abilities.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::dialect {
namespace {

TEST(ReadVersion, OfEveryFormThatBuildsHaveHad) {
  EXPECT_EQ(read_version("version: 0.7.0 (build 11669, commit Debian)\nbuilt with GNU 16\n"),
            "0.7.0 (build 11669, commit Debian)");
  EXPECT_EQ(read_version("ggml_cuda_init: found 1\nversion: 4100 (abc1234)\nbuilt with cc\n"),
            "4100 (abc1234)");
  EXPECT_EQ(read_version("b10217-0123abc\n"), "b10217-0123abc");
  EXPECT_EQ(read_version(""), "");
}

TEST(BuildOf, ReadsTheNumberOfEachForm) {
  EXPECT_EQ(build_of("0.7.0 (build 11669, commit Debian)"), 11669U);
  EXPECT_EQ(build_of("4100 (abc1234)"), 4100U);
  EXPECT_EQ(build_of("b10217-0123abc"), 10217U);
  EXPECT_FALSE(build_of("0.7.0"));
  EXPECT_FALSE(build_of(""));
  EXPECT_FALSE(build_of("build 99999999999999999999999"));
}

TEST(ReadDeviceList, IdDescriptionAndMemory) {
  const auto devices = read_device_list(
      "  CUDA9: before the list (1 MiB, 1 MiB free)\n"
      "Available devices:\n"
      "  CUDA0: NVIDIA GeForce RTX 4050 (6140 MiB, 5900 MiB free)\n"
      "  RPC0: 127.0.0.1:50052 (24000 MiB, 23000 MiB free)\n"
      "  MTL0: Apple M2 (Metal) (16384 MiB, 16383 MiB free)\n");
  ASSERT_EQ(devices.size(), 3U);
  EXPECT_EQ(devices[0].id, "CUDA0");
  EXPECT_EQ(devices[0].backend, "CUDA");
  EXPECT_EQ(devices[0].description, "NVIDIA GeForce RTX 4050");
  EXPECT_EQ(*devices[0].memory_total_bytes, 6140 * kMiB);
  EXPECT_EQ(*devices[0].memory_free_bytes, 5900 * kMiB);
  EXPECT_TRUE(devices[0].can_offload());
  EXPECT_EQ(devices[1].backend, "RPC");
  EXPECT_EQ(devices[1].description, "127.0.0.1:50052");
  EXPECT_EQ(devices[2].backend, "Metal");
  EXPECT_EQ(devices[2].description, "Apple M2 (Metal)");
}

TEST(ReadDeviceList, NoneIsNone) {
  EXPECT_TRUE(read_device_list("Available devices:\n  (none)\n").empty());
  EXPECT_TRUE(read_device_list("Available devices:\n").empty());
  EXPECT_TRUE(read_device_list("Available devices:\n  x (y)\n  CUDA0: no memory\n").empty());
}

TEST(ReadAbilities, ProgramsThatAreNoLlamaServerAreOther) {
  EXPECT_EQ(read_abilities({}).family, Family::other);
  EXPECT_EQ(read_abilities({"--model M     x\n--port P      x\n", "", ""}).family, Family::other)
      << "a llama-server has a context size";
  EXPECT_EQ(read_abilities({"  --model M    the file\n  --port P    the port\n"
                            "  --ctx-size N     context\n  --usecublas     cards\n",
                            "1.90", ""})
                .family,
            Family::other)
      << "KoboldCpp has another API";
}

}  // namespace
}  // namespace sweetspot::dialect
