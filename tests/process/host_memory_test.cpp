#include "process/host_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace sweetspot::process {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

class HostMemory : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sweetspot-memory-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    files_ = {(root_ / "proc").string(), (root_ / "cgroup").string()};
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
  MemoryFiles files_;
};

TEST_F(HostMemory, IsWhatTheKernelCallsAvailable) {
  write("proc/meminfo", "MemTotal:  8192 kB\nMemFree: 1024 kB\nMemAvailable:   4096 kB\n");
  EXPECT_EQ(available_host_bytes(files_), 4 * kMiB);
}

TEST_F(HostMemory, IsAbsentWhereTheKernelDoesNotSay) {
  EXPECT_EQ(available_host_bytes(files_), std::nullopt);
  write("proc/meminfo", "MemTotal:  8192 kB\n");
  EXPECT_EQ(available_host_bytes(files_), std::nullopt);
}

TEST_F(HostMemory, ACgroupLimitCountsWhereItIsTighter) {
  write("proc/meminfo", "MemAvailable: 102400 kB\n");
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("cgroup/outer/inner/memory.max", std::to_string(50 * kMiB) + "\n");
  write("cgroup/outer/inner/memory.current", std::to_string(20 * kMiB) + "\n");
  EXPECT_EQ(available_host_bytes(files_), 30 * kMiB);
  write("cgroup/outer/memory.max", std::to_string(25 * kMiB) + "\n");
  write("cgroup/outer/memory.current", std::to_string(20 * kMiB) + "\n");
  EXPECT_EQ(available_host_bytes(files_), 5 * kMiB) << "the tightest on the way up";
}

TEST_F(HostMemory, ALimitAtTheRootOfAContainerCounts) {
  write("proc/meminfo", "MemAvailable: 102400 kB\n");
  write("proc/self/cgroup", "0::/\n");
  write("cgroup/memory.max", std::to_string(10 * kMiB) + "\n");
  write("cgroup/memory.current", std::to_string(4 * kMiB) + "\n");
  EXPECT_EQ(available_host_bytes(files_), 6 * kMiB);
}

TEST_F(HostMemory, NoLimitIsNoLimit) {
  write("proc/meminfo", "MemAvailable: 1024 kB\n");
  write("proc/self/cgroup", "0::/a\n");
  write("cgroup/a/memory.max", "max\n");
  write("cgroup/a/memory.current", "123\n");
  EXPECT_EQ(available_host_bytes(files_), kMiB);
}

TEST_F(HostMemory, FileCacheIsGivenBackFirst) {
  write("proc/meminfo", "MemAvailable: 102400 kB\n");
  write("proc/self/cgroup", "0::/a\n");
  write("cgroup/a/memory.max", std::to_string(20 * kMiB) + "\n");
  write("cgroup/a/memory.current", std::to_string(19 * kMiB) + "\n");
  write("cgroup/a/memory.stat", "anon 1\ninactive_file " + std::to_string(8 * kMiB) +
                                    "\nactive_file " + std::to_string(2 * kMiB) + "\n");
  EXPECT_EQ(available_host_bytes(files_), 11 * kMiB);
}

TEST_F(HostMemory, MoreThanTheLimitInUseLeavesNothing) {
  write("proc/meminfo", "MemAvailable: 102400 kB\n");
  write("proc/self/cgroup", "0::/a\n");
  write("cgroup/a/memory.max", "1000\n");
  write("cgroup/a/memory.current", "2000\n");
  EXPECT_EQ(available_host_bytes(files_), 0U);
}

TEST_F(HostMemory, ReadsThisMachineAndThisProcess) {
  EXPECT_GT(available_host_bytes().value_or(0), kMiB);
  EXPECT_GT(resident_bytes(getpid()).value_or(0), kMiB);
  EXPECT_EQ(resident_bytes(-1), std::nullopt);
}

TEST_F(HostMemory, CountsTheKernelsKills) {
  write("proc/vmstat", "oom_kill 7\nother 3\n");
  EXPECT_EQ(oom_kill_count(files_), 7U);
}

}  // namespace
}  // namespace sweetspot::process
