#include "devices/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ground/bytes.hpp"
#include "kernel/fake_tree.hpp"

namespace sweetspot::devices {
namespace {

using testing::ElementsAre;

void add_host(kernel::FakeTree& files) {
  files.file("/etc/os-release",
             "NAME=\"Debian\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n");
  files.file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  std::string cpus;
  for (int i = 0; i < 4; ++i) {
    cpus += "processor\t: " + std::to_string(i) + "\nmodel name\t: Test CPU @ 3.00GHz\n\n";
    files.file("/sys/devices/system/cpu/cpu" + std::to_string(i) + "/topology/thread_siblings_list",
               i % 2 == 0 ? "0,2\n" : "1,3\n");
  }
  files.file("/proc/cpuinfo", cpus);
  files.file("/sys/devices/system/cpu/cpufreq/x", "no core\n");
  files.file("/proc/meminfo",
             "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   12000000 kB\n");
}

Machine read(const kernel::FakeTree& files, std::vector<std::string> environment = {}) {
  return read_machine({files.tree(), std::move(environment)});
}

TEST(Machine, IsDescribed) {
  kernel::FakeTree files;
  add_host(files);
  const Machine machine = read(files);
  EXPECT_EQ(machine.os, "Debian GNU/Linux 12");
  EXPECT_EQ(machine.kernel, "6.1.0-18-amd64");
  EXPECT_EQ(machine.cpu, "Test CPU @ 3.00GHz");
  EXPECT_EQ(machine.logical_cores, 4);
  EXPECT_EQ(machine.physical_cores, 2);
  EXPECT_EQ(machine.memory_total_bytes, Reading<std::uint64_t>(16000000ULL * 1024));
  EXPECT_EQ(machine.memory_available_bytes, Reading<std::uint64_t>(12000000ULL * 1024));
}

TEST(Machine, AnEmptyRootIsUnknownNotZero) {
  kernel::FakeTree files;
  const Machine machine = read(files);
  EXPECT_EQ(machine.os, "unknown");
  EXPECT_EQ(machine.cpu, "unknown");
  EXPECT_FALSE(machine.memory_total_bytes);
  EXPECT_FALSE(machine.memory_available_bytes);
}

void add_cache(kernel::FakeTree& files, const std::string& cpu, int index, const std::string& level,
               const std::string& type, const std::string& size, const std::string& cpus) {
  const std::string path =
      "/sys/devices/system/cpu/" + cpu + "/cache/index" + std::to_string(index) + "/";
  files.file(path + "level", level + "\n");
  files.file(path + "type", type + "\n");
  files.file(path + "size", size + "\n");
  files.file(path + "shared_cpu_list", cpus + "\n");
}

TEST(Machine, LastLevelCachesAreCountedOnceEach) {
  kernel::FakeTree files;
  for (const std::string cpu : {"cpu0", "cpu1", "cpu2", "cpu3"}) {
    const bool low = cpu < "cpu2";
    add_cache(files, cpu, 0, "1", "Data", "32K", cpu.substr(3));
    add_cache(files, cpu, 1, "1", "Instruction", "64K", cpu.substr(3));
    add_cache(files, cpu, 3, "3", "Unified", "32768K", low ? "0-1" : "2-3");
  }
  EXPECT_EQ(last_level_cache_bytes(files.tree()), Reading<std::uint64_t>(64 * kMiB));
  EXPECT_FALSE(last_level_cache_bytes(kernel::FakeTree().tree()));
}

// ---- R19: cgroup limits
// -----------------------------------------------------------------------------

TEST(Machine, TheTightestAncestorCapsMemory) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "0::/system.slice/job.service\n");
  files.file("/sys/fs/cgroup/system.slice/job.service/memory.max", "max\n");
  files.file("/sys/fs/cgroup/system.slice/memory.max", std::to_string(4096 * kMiB) + "\n");
  files.file("/sys/fs/cgroup/system.slice/memory.current", std::to_string(1024 * kMiB) + "\n");
  const Machine machine = read(files);
  EXPECT_EQ(machine.memory_total_bytes, Reading<std::uint64_t>(4096 * kMiB));
  EXPECT_EQ(machine.memory_available_bytes, Reading<std::uint64_t>(3072 * kMiB));
}

TEST(Machine, DroppablePageCacheDoesNotCountAgainstTheLimit) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "0::/\n");
  files.file("/sys/fs/cgroup/memory.max", std::to_string(4096 * kMiB));
  files.file("/sys/fs/cgroup/memory.current", std::to_string(4000 * kMiB));
  files.file("/sys/fs/cgroup/memory.stat", "anon 5\ninactive_file " + std::to_string(3000 * kMiB) +
                                               "\nactive_file " + std::to_string(500 * kMiB) +
                                               "\n");
  EXPECT_EQ(read(files).memory_available_bytes, Reading<std::uint64_t>(3596 * kMiB));
}

TEST(Machine, UseAboveTheLimitLeavesNothingAndDoesNotWrap) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "0::/a\n");
  files.file("/sys/fs/cgroup/a/memory.max", std::to_string(100 * kMiB));
  files.file("/sys/fs/cgroup/a/memory.current", std::to_string(120 * kMiB));
  EXPECT_EQ(read(files).memory_available_bytes, Reading<std::uint64_t>(0));
}

TEST(Machine, ALimitAboveTheMachineChangesNothing) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "0::/a\n");
  files.file("/sys/fs/cgroup/a/memory.max", "9223372036854771712\n");
  EXPECT_EQ(read(files).memory_available_bytes, Reading<std::uint64_t>(12000000ULL * 1024));
}

TEST(Machine, CgroupVersionOneIsUnderstood) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "12:cpu,cpuacct:/x\n9:memory:/docker/abc\n0::/x\n");
  files.file("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", std::to_string(2048 * kMiB));
  files.file("/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", std::to_string(48 * kMiB));
  EXPECT_EQ(read(files).memory_available_bytes, Reading<std::uint64_t>(2000 * kMiB));
}

TEST(Machine, APathOutsideTheNamespaceLeavesTheRootsLimit) {
  kernel::FakeTree files;
  add_host(files);
  files.file("/proc/self/cgroup", "0::/../../other\n");
  files.file("/sys/fs/cgroup/memory.max", std::to_string(1024 * kMiB));
  EXPECT_EQ(read(files).memory_total_bytes, Reading<std::uint64_t>(1024 * kMiB));
}

// ---- environment
// ------------------------------------------------------------------------------------

TEST(Machine, KeepsOnlyVariablesThatChangeHowLlamaRuns) {
  kernel::FakeTree files;
  const Machine machine =
      read(files, {"PATH=/bin", "OMP_NUM_THREADS=4", "GGML_VK_VISIBLE_DEVICES=0", "SECRET_TOKEN=x",
                   "CUDA_VISIBLE_DEVICES=1", "CUDA_HOME=/x", "MY_CUDA_THING=1", "HIP_X=1",
                   "ROCR_X=1", "VK_X=1", "LLAMA_X=1", "NVIDIA_X=1"});
  EXPECT_THAT(machine.environment,
              ElementsAre("CUDA_VISIBLE_DEVICES=1", "GGML_VK_VISIBLE_DEVICES=0", "HIP_X=1",
                          "LLAMA_X=1", "NVIDIA_X=1", "OMP_NUM_THREADS=4", "ROCR_X=1", "VK_X=1"));
}

TEST(Machine, ThisOneHasCoresAndMemory) {
  const Machine machine = this_machine();
  EXPECT_GE(machine.logical_cores, 1);
  EXPECT_GE(machine.logical_cores, machine.physical_cores);
  EXPECT_GE(machine.physical_cores, 1);
  EXPECT_TRUE(machine.memory_total_bytes.has_value());
}

}  // namespace
}  // namespace sweetspot::devices
