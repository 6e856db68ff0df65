// R47: how long a process waited for a processor.
#include "kernel/processor_use.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

using testing::HasSubstr;

constexpr int kPid = 7;

class Kernel {
 public:
  Kernel& waits(int thread, std::uint64_t ms) {
    files_.file("/proc/7/task/" + std::to_string(thread) + "/schedstat",
                "5000 " + std::to_string(ms * 1000000) + " 3\n");
    return *this;
  }
  FakeTree& files() { return files_; }

  ProcessorMoment at(double ms, const std::vector<int>& cpus = {}) {
    ProcessorMoment moment = look_at_processors(kPid, cpus, files_.tree());
    moment.at_ms = ms;
    return moment;
  }

 private:
  FakeTree files_;
};

TEST(ProcessorUse, TheThreadThatWaitsLongestHoldsUpAll) {
  Kernel kernel;
  const auto before = kernel.waits(7, 100).waits(8, 50).at(0);
  const auto after = kernel.waits(7, 120).waits(8, 650).at(1000);
  EXPECT_DOUBLE_EQ(use_between(before, after).waited_share.value_or(-1), 0.6);
}

TEST(ProcessorUse, AThreadThatBeganMeanwhileCountsFromItsBeginning) {
  Kernel kernel;
  const auto before = kernel.waits(7, 100).at(0);
  const auto after = kernel.waits(9, 300).at(1000);
  EXPECT_DOUBLE_EQ(use_between(before, after).waited_share.value_or(-1), 0.3);
}

TEST(ProcessorUse, WhatNobodyTellsIsAbsentNotZero) {
  Kernel kernel;
  const ProcessorUse use = use_between(kernel.at(0), kernel.at(1000));
  EXPECT_THAT(use.waited_share.reason(), HasSubstr("how long threads wait"));
  EXPECT_THAT(use.stalled_share.reason(), HasSubstr("no pressure"));
  EXPECT_FALSE(use.busy_share);
}

TEST(ProcessorUse, AKernelThatCountsNoRunDelayIsAbsent) {
  Kernel kernel;
  kernel.files().file("/proc/7/task/7/schedstat", "\n");
  EXPECT_FALSE(use_between(kernel.at(0), kernel.at(1000)).waited_share);
}

constexpr const char* kSome = "some avg10=50.00 avg60=1.00 avg300=0.10 total=";

TEST(ProcessorUse, PressureIsThatOfOurOwnGroupWhereItTells) {
  Kernel kernel;
  FakeTree& files = kernel.files();
  files.file("/proc/pressure/cpu", kSome + std::string("1000000\nfull avg10=0.00 total=0\n"));
  auto before = kernel.at(0);
  files.file("/proc/pressure/cpu", kSome + std::string("1800000\n"));
  EXPECT_DOUBLE_EQ(use_between(before, kernel.at(1000)).stalled_share.value_or(-1), 0.8);

  files.file("/proc/self/cgroup", "0::/pod\n");
  files.file("/sys/fs/cgroup/pod/cpu.pressure", kSome + std::string("5000\n"));
  before = kernel.at(0);
  files.file("/sys/fs/cgroup/pod/cpu.pressure", kSome + std::string("105000\n"));
  EXPECT_DOUBLE_EQ(use_between(before, kernel.at(1000)).stalled_share.value_or(-1), 0.1);
}

TEST(ProcessorUse, BusyAreTheProcessorsThatCount) {
  Kernel kernel;
  FakeTree& files = kernel.files();
  files.file("/proc/stat",
             "cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 10 0 0 90 0 0 0 0 0 0\n"
             "cpu1 50 0 0 50 0 0 0 0 0 0\nintr 5\n");
  const auto all = kernel.at(0);
  const auto first = kernel.at(0, {0});
  // cpu0: 10 of user, 10 stolen, 80 idle or waiting for a disk; cpu1 only works.
  files.file("/proc/stat",
             "cpu 0 0 0 0 0 0 0 0 0 0\ncpu0 20 0 0 150 20 0 0 10 0 0\n"
             "cpu1 150 0 0 50 0 0 0 0 0 0\nintr 5\n");
  EXPECT_DOUBLE_EQ(use_between(all, kernel.at(1000)).busy_share.value_or(-1), 0.6);
  EXPECT_DOUBLE_EQ(use_between(first, kernel.at(1000, {0})).busy_share.value_or(-1), 0.2);
}

TEST(ProcessorUse, CountersThatStandStillOrFallAreNoUse) {
  Kernel kernel;
  kernel.files().file("/proc/stat", "cpu0 10 0 0 90 0 0 0 0 0 0\n");
  const auto before = kernel.at(0);
  EXPECT_FALSE(use_between(before, kernel.at(1000)).busy_share) << "no tick has passed";
  kernel.files().file("/proc/stat", "cpu0 5 0 0 99 0 0 0 0 0 0\n");
  EXPECT_FALSE(use_between(before, kernel.at(1000)).busy_share);
}

// Two processes on one processor: each waits while the other runs. True on a busy machine too.
TEST(ProcessorUse, OnThisMachineANeighbourOnOurProcessorIsSeen) {
  FileTree real;
  if (!look_at_processors(::getpid(), {}, real).waited_ns) GTEST_SKIP() << "no schedstat here";
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &one);
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::alarm(20);
      if (::sched_setaffinity(0, sizeof(one), &one) != 0) ::_exit(1);
      for (std::atomic<unsigned> spin{0};;) spin.fetch_add(1, std::memory_order_relaxed);
    }
    children.push_back(child);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto before = look_at_processors(children.front(), {}, real);
  std::this_thread::sleep_for(std::chrono::milliseconds(800));
  const auto after = look_at_processors(children.front(), {}, real);
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_GT(use_between(before, after).waited_share.value_or(-1), 0.25);
}

}  // namespace
}  // namespace sweetspot::kernel
