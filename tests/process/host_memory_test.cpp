#include "process/host_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ground/bytes.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::process {
namespace {

namespace fs = std::filesystem;

class HostMemory : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  tests::TemporaryFolder root_;
  MemoryFiles files_ = {root_.file("proc")};
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
