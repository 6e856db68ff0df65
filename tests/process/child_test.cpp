#include "process/child.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

SpawnOptions shell(const std::string& script) { return {{"/bin/sh", "-c", script}, {}}; }

Child spawn(const SpawnOptions& options) {
  auto child = Child::spawn(options);
  EXPECT_TRUE(child) << child.error().message;
  return *std::move(child);
}

// Everything the child writes to its event descriptor until it closes it.
std::string read_events(const Child& child) {
  std::string text;
  std::array<char, 512> bytes{};
  pollfd wait = {child.event_fd(), POLLIN, 0};
  while (poll(&wait, 1, 20'000) == 1) {
    const ssize_t count = read(child.event_fd(), bytes.data(), bytes.size());
    if (count <= 0) break;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
  return text;
}

std::size_t living(const Child& child) {
  const auto entries = system_process_table().list(child.marker());
  return static_cast<std::size_t>(std::count_if(
      entries.begin(), entries.end(), [](const auto& e) { return e.marked && !e.zombie; }));
}

TEST(Child, TalksOverItsOwnDescriptors) {
  Child child = spawn(shell("read line <&3; echo \"heard $line\" >&4"));
  ASSERT_EQ(write(child.request_fd(), "you\n", 4), 4);
  EXPECT_EQ(read_events(child), "heard you\n");
  EXPECT_EQ(child.wait_exit(seconds(20)), (ExitStatus{0, std::nullopt}));
}

TEST(Child, IsWaitedForUntilItEndsOrPatienceDoes) {
  EXPECT_EQ(wait_for_end(spawn(shell("exit 3")), seconds(60), nullptr), Waited::ended);
  const Child sleeps = spawn(shell("sleep 60"));
  EXPECT_EQ(wait_for_end(sleeps, milliseconds(1), nullptr), Waited::too_long);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_EQ(wait_for_end(sleeps, seconds(60), &cancel), Waited::cancelled);
}

TEST(Child, StdinIsEmptyAndOutputIsKept) {
  Child child = spawn(shell("cat; echo out; echo err >&2"));
  ASSERT_TRUE(child.wait_exit(seconds(20)));
  ASSERT_TRUE(child.kill_tree());
  EXPECT_EQ(child.output().text(), "out\nerr\n");
}

TEST(Child, OutputNeverBlocksItAndOnlyTheTailIsKept) {
  Child child =
      spawn(shell("i=0; while [ $i -lt 20000 ]; do echo \"line number $i\"; i=$((i+1)); done; "
                  "echo last"));
  ASSERT_TRUE(child.wait_exit(seconds(60)));
  ASSERT_TRUE(child.kill_tree());
  const std::string tail = child.output().text();
  EXPECT_EQ(tail.size(), kTailBytes);
  EXPECT_TRUE(tail.ends_with("line number 19999\nlast\n"));
  EXPECT_GT(child.output().total_bytes(), 20000U * 13);
}

TEST(Child, OutputSinceAnOffsetLeavesOutWhatCameBefore) {
  Child child = spawn(shell("echo before; echo . >&4; read x <&3; echo after"));
  std::array<char, 2> dot{};
  ASSERT_EQ(read(child.event_fd(), dot.data(), dot.size()), 2);
  child.output().settle(seconds(5));
  const std::uint64_t offset = child.output().total_bytes();
  ASSERT_EQ(write(child.request_fd(), "\n", 1), 1);
  ASSERT_TRUE(child.wait_exit(seconds(20)));
  ASSERT_TRUE(child.kill_tree());
  EXPECT_EQ(child.output().text(offset), "after\n");
}

TEST(Child, InheritsNoOtherDescriptor) {
  const int leaked = open("/dev/null", O_RDONLY);  // deliberately without close-on-exec
  ASSERT_GE(leaked, 0);
  Child child = spawn(shell("ls /proc/self/fd >&4"));
  close(leaked);
  // ls itself opens one more: the folder.
  EXPECT_EQ(read_events(child), "0\n1\n2\n3\n4\n5\n");
}

TEST(Child, LeadsASessionDumpsNoCoreAndStartsNoDebugger) {
  Child child =
      spawn(shell("ulimit -c >&4; echo $GGML_NO_BACKTRACE >&4; echo $MINE >&4; read x <&3"));
  EXPECT_EQ(getsid(child.pid()), child.pid());
  child.kill_tree();

  SpawnOptions options = shell("ulimit -c >&4; echo $GGML_NO_BACKTRACE $MINE >&4");
  options.environment = {{"MINE", "yes"}};
  setenv("GGML_NO_BACKTRACE", "", 1);  // NOLINT(concurrency-mt-unsafe)
  Child other = spawn(options);
  EXPECT_EQ(read_events(other), "0\n1 yes\n");
}

TEST(Child, SignalsAreAsTheSystemGivesThem) {
  Child child = spawn(shell("kill -PIPE $$; echo still here >&4"));
  EXPECT_EQ(read_events(child), "");
  EXPECT_EQ(child.wait_exit(seconds(20)), (ExitStatus{std::nullopt, SIGPIPE}));
}

TEST(Child, AMissingProgramIsAnErrorWithItsReason) {
  const auto child = Child::spawn({{"/no/such/program"}, {}, {}});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().kind, ErrorKind::internal);
  EXPECT_THAT(child.error().message, HasSubstr("/no/such/program: No such file or directory"));
  EXPECT_FALSE(child.error().remedy.empty());
}

TEST(Child, AProgramThatMayNotRunIsAnError) {
  const auto child = Child::spawn({{"/etc/passwd"}, {}});
  ASSERT_FALSE(child);
  EXPECT_THAT(child.error().message, HasSubstr("Permission denied"));
}

TEST(Child, ReportsExitCodeAndSignal) {
  Child leaves = spawn(shell("exit 7"));
  EXPECT_EQ(leaves.wait_exit(seconds(20)), (ExitStatus{7, std::nullopt}));
  EXPECT_EQ(leaves.exit_status(), (ExitStatus{7, std::nullopt})) << "asking does not reap";
  EXPECT_TRUE(leaves.kill_tree());
  EXPECT_EQ(leaves.exit_status(), (ExitStatus{7, std::nullopt}));

  Child aborts = spawn(shell("kill -ABRT $$"));
  EXPECT_EQ(aborts.wait_exit(seconds(20)), (ExitStatus{std::nullopt, SIGABRT}));
}

TEST(Child, KillTreeEndsGrandchildrenInTheGroup) {
  Child child = spawn(shell("sleep 600 & sleep 600 & echo . >&4; wait"));
  std::array<char, 2> dot{};
  ASSERT_EQ(read(child.event_fd(), dot.data(), dot.size()), 2);
  EXPECT_TRUE(child.kill_tree(seconds(20)));
  EXPECT_EQ(living(child), 0U);
  EXPECT_TRUE(child.kill_tree()) << "idempotent";
}

// R4: setsid() leaves the group, and the parent's end leaves no chain to follow.
TEST(Child, KillTreeFindsOrphansThatLeftTheGroup) {
  ASSERT_TRUE(become_subreaper());
  Child child = spawn(shell("(setsid sh -c 'sleep 600 & echo . >&4; wait' &) ; sleep 600"));
  std::array<char, 2> dot{};
  ASSERT_EQ(read(child.event_fd(), dot.data(), dot.size()), 2);
  ASSERT_GE(living(child), 3U);
  EXPECT_TRUE(child.kill_tree(seconds(20)));
  EXPECT_EQ(living(child), 0U);
}

// Without the marker the chain of parents is the only trace.
TEST(Child, KillTreeFindsADescendantThatClearedItsEnvironment) {
  ASSERT_TRUE(become_subreaper());
  Child child = spawn(shell("env -i setsid sleep 600 & echo $! >&4; wait"));
  std::array<char, 32> bytes{};
  ASSERT_GT(read(child.event_fd(), bytes.data(), bytes.size() - 1), 0);
  const pid_t hidden = std::atoi(bytes.data());  // NOLINT(cert-err34-c)
  ASSERT_GT(hidden, 0);
  EXPECT_TRUE(child.kill_tree(seconds(20)));
  EXPECT_EQ(kill(hidden, 0), -1);
}

// A daemon keeps no trace but that it becomes our child: forked twice, a session of its own, an
// empty environment, and its starter is gone.
class Daemon : public testing::TestWithParam<bool> {
 protected:
  static constexpr const char* kScript =
      "(env -i setsid sh -c 'sleep 600 & echo $$ $! >&4; wait' 4>&4 &); sleep 600";

  void start() {
    ASSERT_TRUE(become_subreaper());
    SpawnOptions options = shell(kScript);
    options.own_cgroup = GetParam();
    child_.emplace(spawn(options));
    std::array<char, 64> bytes{};
    ASSERT_GT(read(child_->event_fd(), bytes.data(), bytes.size() - 1), 0);
    ASSERT_EQ(std::sscanf(bytes.data(), "%d %d", &daemon_, &its_child_),
              2);  // NOLINT(cert-err34-c)
    while (parent_of(daemon_) != getpid()) usleep(1000);
  }

  static pid_t parent_of(pid_t pid) {
    for (const auto& entry : system_process_table().list({})) {
      if (entry.pid == pid) return entry.parent;
    }
    return 0;
  }

  void expect_gone() const {
    EXPECT_EQ(kill(daemon_, 0), -1);
    EXPECT_EQ(kill(its_child_, 0), -1);
  }

  std::optional<Child> child_;
  pid_t daemon_ = 0;
  pid_t its_child_ = 0;
};

TEST_P(Daemon, GoesWithItsTree) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(child_->kill_tree(seconds(20)));
  expect_gone();
}

TEST_P(Daemon, GoesWithItsOwner) {
  ASSERT_NO_FATAL_FAILURE(start());
  child_.reset();
  expect_gone();
}

// Of two that live nobody knows whose it is, unless each has a group of its own.
TEST_P(Daemon, IsNotTakenForAnothersThatLives) {
  Child older = spawn(shell("sleep 600"));
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(older.kill_tree(seconds(20)));
  EXPECT_EQ(kill(daemon_, 0), 0);
  EXPECT_EQ(kill(its_child_, 0), 0);
  EXPECT_TRUE(child_->kill_tree(seconds(20)));
  expect_gone();
}

INSTANTIATE_TEST_SUITE_P(Child, Daemon, testing::Bool(), [](const auto& with) {
  return with.param ? "WhereAGroupIsAllowed" : "WithoutAGroup";
});

// R6: the kernel never lets go of a process that sleeps in a driver.
TEST(Child, AProcessThatCannotBeReapedIsReportedInTime) {
  SpawnOptions options = shell("read x <&3");
  ProcessTable table = system_process_table();
  table.reap = [](pid_t) { return std::nullopt; };
  options.table = table;
  Child child = spawn(options);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(child.kill_tree(milliseconds(200)));
  EXPECT_LT(std::chrono::steady_clock::now() - before, seconds(10));
}

TEST(Child, EndsWithItsOwner) {
  std::string marker;
  {
    const Child child = spawn(shell("sleep 600"));
    marker = child.marker();
  }
  for (const auto& entry : system_process_table().list(marker)) {
    EXPECT_FALSE(entry.marked && !entry.zombie);
  }
}

TEST(Child, MovedFromIsEmptyAndMovedToWorks) {
  Child first = spawn(shell("read line <&3; echo $line >&4"));
  Child second = std::move(first);
  ASSERT_EQ(write(second.request_fd(), "a\n", 2), 2);
  EXPECT_EQ(read_events(second), "a\n");
}

}  // namespace
}  // namespace sweetspot::process
