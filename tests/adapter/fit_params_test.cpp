#include "adapter/fit_params.hpp"

#include <gtest/gtest.h>

#include "ground/bytes.hpp"

namespace sweetspot::adapter {
namespace {

TEST(FitParams, ReadsAnEstimate) {
  const MemoryMap map = read_estimate(
      "0.00.118.769 I llama_fit_params: printing estimated memory in MiB to stdout (device)\n"
      "CUDA0 4096 512 128\n"
      "Host 70 0 12\n");
  ASSERT_EQ(map.size(), 2U);
  EXPECT_EQ(map[0].id, "CUDA0");
  EXPECT_EQ(map[0].context_bytes, 512 * kMiB);
  EXPECT_EQ(map[1].id, "CPU");
  EXPECT_EQ(map[1].model_bytes, 70 * kMiB);
  EXPECT_TRUE(read_estimate("error: invalid argument: -x\n").empty());
  EXPECT_TRUE(read_estimate("a 1 2 -3\n").empty());
}

}  // namespace
}  // namespace sweetspot::adapter
