#include "kernel/memory.hpp"

#include <gtest/gtest.h>

#include <string>

#include "ground/bytes.hpp"
#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

class Memory : public testing::Test {
 protected:
  Memory() { files_.file("/proc/meminfo", "MemTotal: 204800 kB\nMemAvailable:   102400 kB\n"); }

  void limit(const std::string& folder, std::uint64_t most, std::uint64_t current) {
    files_.file(folder + "/memory.max", std::to_string(most) + "\n")
        .file(folder + "/memory.current", std::to_string(current) + "\n");
  }
  void limit_version_1(const std::string& folder, std::uint64_t most, std::uint64_t current) {
    files_.file(folder + "/memory.limit_in_bytes", std::to_string(most) + "\n")
        .file(folder + "/memory.usage_in_bytes", std::to_string(current) + "\n");
  }
  Reading<std::uint64_t> available() { return host_memory(files_.tree()).available_bytes; }

  FakeTree files_;
};

TEST_F(Memory, IsWhatTheKernelCallsAvailable) {
  EXPECT_EQ(available(), Reading<std::uint64_t>(100 * kMiB));
  EXPECT_EQ(host_memory(files_.tree()).total_bytes, Reading<std::uint64_t>(200 * kMiB));
}

TEST_F(Memory, IsAbsentWhereTheKernelDoesNotSay) {
  EXPECT_FALSE(host_memory(FakeTree().tree()).available_bytes);
  files_.file("/proc/meminfo", "MemTotal: 1 kB\n");
  EXPECT_EQ(available().reason(), "/proc/meminfo has no MemAvailable");
}

TEST_F(Memory, TheTightestGroupOnTheWayUpCounts) {
  files_.file("/proc/self/cgroup", "0::/outer/inner\n");
  limit("/sys/fs/cgroup/outer/inner", 50 * kMiB, 20 * kMiB);
  EXPECT_EQ(available(), Reading<std::uint64_t>(30 * kMiB));
  limit("/sys/fs/cgroup/outer", 25 * kMiB, 20 * kMiB);
  EXPECT_EQ(available(), Reading<std::uint64_t>(5 * kMiB));
  EXPECT_EQ(host_memory(files_.tree()).total_bytes, Reading<std::uint64_t>(25 * kMiB));
}

TEST_F(Memory, VersionOneLimitsToo) {
  files_.file("/proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/\n0::/\n");
  limit_version_1("/sys/fs/cgroup/memory/docker/abc", 60 * kMiB, 20 * kMiB);
  EXPECT_EQ(available(), Reading<std::uint64_t>(40 * kMiB));
  files_.file("/sys/fs/cgroup/memory/docker/abc/memory.stat",
              "inactive_file 1\ntotal_inactive_file " + std::to_string(8 * kMiB) +
                  "\ntotal_active_file " + std::to_string(2 * kMiB) + "\n");
  EXPECT_EQ(available(), Reading<std::uint64_t>(50 * kMiB));
}

TEST_F(Memory, AContainerShowsItsOwnLimitAtTheRoot) {
  files_.file("/proc/self/cgroup", "0::/\n");
  limit("/sys/fs/cgroup", 10 * kMiB, 4 * kMiB);
  EXPECT_EQ(available(), Reading<std::uint64_t>(6 * kMiB));
}

TEST_F(Memory, NoLimitIsNoLimit) {
  files_.file("/proc/self/cgroup", "0::/a\n").file("/sys/fs/cgroup/a/memory.max", "max\n");
  EXPECT_EQ(available(), Reading<std::uint64_t>(100 * kMiB));
}

TEST_F(Memory, PageCacheIsGivenBackFirst) {
  files_.file("/proc/self/cgroup", "0::/a\n");
  limit("/sys/fs/cgroup/a", 20 * kMiB, 19 * kMiB);
  files_.file("/sys/fs/cgroup/a/memory.stat", "anon 1\ninactive_file " + std::to_string(8 * kMiB) +
                                                  "\nactive_file " + std::to_string(2 * kMiB) +
                                                  "\n");
  EXPECT_EQ(available(), Reading<std::uint64_t>(11 * kMiB));
}

TEST_F(Memory, MoreThanTheLimitInUseLeavesNothingAndDoesNotWrap) {
  files_.file("/proc/self/cgroup", "0::/a\n");
  limit("/sys/fs/cgroup/a", 1000, 2000);
  EXPECT_EQ(available(), Reading<std::uint64_t>(std::uint64_t{0}));
}

TEST_F(Memory, ThisMachineHasSome) { EXPECT_GT(host_memory().available_bytes.value_or(0), kMiB); }

}  // namespace
}  // namespace sweetspot::kernel
