// R48: threads follow affinity, cpuset, CFS quota and kind of core.
#include "kernel/processors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <string>
#include <thread>

#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

using testing::ElementsAre;

std::string cpu(int number) { return "/sys/devices/system/cpu/cpu" + std::to_string(number); }

/// So many cores of two threads each: the kernel numbers the second threads after all first ones.
void add_cores(FakeTree& files, int cores, const std::string& allowed) {
  for (int i = 0; i < 2 * cores; ++i) {
    const int first = i % cores;
    files.file(cpu(i) + "/topology/thread_siblings_list",
               std::to_string(first) + "," + std::to_string(first + cores) + "\n");
  }
  files.file("/proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t" + allowed +
                                      "\nMems_allowed_list:\t0\n");
}

TEST(Processors, AThreadForEachCore) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  const Processors usable = usable_processors(files.tree());
  EXPECT_EQ(usable.threads(), 4);
  EXPECT_EQ(usable.most_threads(), 8);
  EXPECT_FALSE(usable.quota);
}

TEST(Processors, AffinityLeavesTheCoresItNames) {
  FakeTree files;
  add_cores(files, 4, "1-2,5");
  const Processors usable = usable_processors(files.tree());
  EXPECT_THAT(usable.allowed, ElementsAre(1, 2, 5));
  EXPECT_EQ(usable.threads(), 2) << "1 and 5 are one core";
  EXPECT_EQ(usable.most_threads(), 3);
}

TEST(Processors, ACpusetOfVersionTwoLeavesItsOwn) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  files.file("/proc/self/cgroup", "0::/pod\n");
  files.file("/sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
  files.file("/sys/fs/cgroup/pod/cpuset.cpus.effective", "0-1\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 2);
}

TEST(Processors, ACpusetOfVersionOneLeavesItsOwn) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  files.file("/proc/self/cgroup", "3:cpuset:/pod\n");
  files.file("/sys/fs/cgroup/cpuset/pod/cpuset.cpus", "3\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 1);
}

struct Quota {
  const char* name;
  const char* text;  ///< of cpu.max; version 1 has the same in two files
  int threads;
  int most;
};

std::ostream& operator<<(std::ostream& out, const Quota& quota) { return out << quota.name; }

class ProcessorsQuota : public testing::TestWithParam<Quota> {};

TEST_P(ProcessorsQuota, OfVersionTwo) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  files.file("/proc/self/cgroup", "0::/pod\n");
  files.file("/sys/fs/cgroup/pod/cpu.max", std::string(GetParam().text) + "\n");
  const Processors usable = usable_processors(files.tree());
  EXPECT_EQ(usable.threads(), GetParam().threads);
  EXPECT_EQ(usable.most_threads(), GetParam().most);
}

TEST_P(ProcessorsQuota, OfVersionOne) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  const std::string text = GetParam().text;
  const std::string quota = text.substr(0, text.find(' '));
  files.file("/proc/self/cgroup", "4:cpu,cpuacct:/pod\n");
  files.file("/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", (quota == "max" ? "-1" : quota) + "\n");
  files.file("/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", text.substr(text.find(' ') + 1) + "\n");
  const Processors usable = usable_processors(files.tree());
  EXPECT_EQ(usable.threads(), GetParam().threads);
  EXPECT_EQ(usable.most_threads(), GetParam().most);
}

INSTANTIATE_TEST_SUITE_P(
    R48, ProcessorsQuota,
    testing::Values(Quota{"None", "max 100000", 4, 8}, Quota{"One", "100000 100000", 1, 1},
                    Quota{"Three", "300000 100000", 3, 3}, Quota{"Six", "600000 100000", 4, 6},
                    Quota{"Half", "50000 100000", 1, 1}, Quota{"OneAndAHalf", "75000 50000", 1, 1},
                    Quota{"Plenty", "9900000 100000", 4, 8}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Processors, TheTightestQuotaOnTheWayUpCounts) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  files.file("/proc/self/cgroup", "0::/slice/pod\n");
  files.file("/sys/fs/cgroup/slice/pod/cpu.max", "max 100000\n");
  files.file("/sys/fs/cgroup/slice/cpu.max", "200000 100000\n");
  const Processors usable = usable_processors(files.tree());
  EXPECT_EQ(usable.quota, Reading<double>(2.0));
  EXPECT_EQ(usable.threads(), 2);
}

TEST(Processors, AContainersQuotaStandsInTheMountedRoot) {
  FakeTree files;
  add_cores(files, 4, "0-7");
  files.file("/proc/self/cgroup", "4:cpu,cpuacct:/docker/1234\n");
  files.file(
      "/proc/self/mountinfo",
      "31 30 0:28 /docker/1234 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
  files.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "100000\n");
  files.file("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 1);
}

TEST(Processors, IntelsEfficiencyCoresAreLeftOut) {
  FakeTree files;  // 2 performance cores of 2 threads, 4 efficiency cores
  for (int i = 0; i < 4; ++i) {
    files.file(cpu(i) + "/topology/core_cpus_list", i < 2 ? "0-1\n" : "2-3\n");
  }
  for (int i = 4; i < 8; ++i) {
    files.file(cpu(i) + "/topology/core_cpus_list", std::to_string(i) + "\n");
  }
  files.file("/sys/devices/cpu_core/cpus", "0-3\n");
  files.file("/sys/devices/cpu_atom/cpus", "4-7\n");
  files.file("/proc/self/status", "Cpus_allowed_list:\t0-7\n");
  Processors usable = usable_processors(files.tree());
  EXPECT_EQ(usable.cores, 6);
  EXPECT_EQ(usable.threads(), 2);
  EXPECT_EQ(usable.most_threads(), 8);
  files.file("/proc/self/status", "Cpus_allowed_list:\t4-7\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 4) << "where there are no others";
}

TEST(Processors, LittleCoresAreLeftOut) {
  FakeTree files;  // one at the top, three in the middle, four little ones
  const int capacities[] = {325, 325, 325, 325, 870, 870, 870, 1024};
  for (int i = 0; i < 8; ++i) {
    files.file(cpu(i) + "/topology/core_cpus_list", std::to_string(i) + "\n");
    files.file(cpu(i) + "/cpu_capacity", std::to_string(capacities[i]) + "\n");
  }
  files.file("/proc/self/status", "Cpus_allowed_list:\t0-7\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 4);
}

TEST(Processors, WithoutTopologyEveryProcessorIsACore) {
  FakeTree files;
  files.file("/proc/self/status", "Cpus_allowed_list:\t0-2\n");
  EXPECT_EQ(usable_processors(files.tree()).threads(), 3);
}

TEST(Processors, WhereNothingIsToldThereIsAtLeastOne) {
  const Processors usable = usable_processors(FakeTree().tree());
  EXPECT_GE(usable.threads(), 1);
  EXPECT_GE(usable.most_threads(), usable.threads());
}

TEST(Processors, HereTheyAreThoseOfTheAffinityMask) {
  FileTree real;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  ASSERT_EQ(::sched_getaffinity(0, sizeof(mask), &mask), 0);
  EXPECT_LE(usable_processors(real).allowed.size(), static_cast<std::size_t>(CPU_COUNT(&mask)));
  EXPECT_GE(usable_processors(real).threads(), 1);
}

}  // namespace
}  // namespace sweetspot::kernel
