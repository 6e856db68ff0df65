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
    files_ = {(root_ / "proc").string()};
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
  MemoryFiles files_;
};

TEST_F(HostMemory, ReadsThisMachineAndThisProcess) {
  EXPECT_GT(resident_bytes(getpid()).value_or(0), kMiB);
  EXPECT_EQ(resident_bytes(-1), std::nullopt);
}

TEST_F(HostMemory, CountsTheKernelsKills) {
  write("proc/vmstat", "oom_kill 7\nother 3\n");
  EXPECT_EQ(oom_kill_count(files_), 7U);
}

}  // namespace
}  // namespace sweetspot::process
