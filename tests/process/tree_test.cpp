#include "process/tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <set>

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;

// A system with only the processes a test puts there. Killing makes zombies; zombies that are ours
// can be reaped; orphans come to us, as a subreaper sees them.
class FakeSystem {
 public:
  void add(pid_t pid, pid_t parent, bool marked = false) {
    ProcessEntry entry;
    entry.pid = pid;
    entry.parent = parent;
    entry.start_ticks = next_tick_++;
    entry.marked = marked;
    processes_[pid] = entry;
  }
  void never_dies(pid_t pid) { immortal_.insert(pid); }

  [[nodiscard]] bool alive(pid_t pid) const {
    const auto at = processes_.find(pid);
    return at != processes_.end() && !at->second.zombie;
  }

  // A root of ours, as start_process() makes it.
  void own(pid_t pid) {
    add(pid, getpid());
    roots_.push_back(root(pid));
  }
  void disown(pid_t pid) {
    std::erase_if(roots_, [&](const OwnedRoot& root) { return root.pid == pid; });
  }

  Tree tree(pid_t pid) { return {root(pid), false, "M=1"}; }

  ProcessTable table() {
    return {[this](const std::string&) { return list(); }, [this](pid_t pid) { kill(pid); },
            [this](pid_t pid) { return reap(pid); }, [this] { return roots_; }};
  }

 private:
  std::vector<ProcessEntry> list() const {
    std::vector<ProcessEntry> all;
    for (const auto& [pid, entry] : processes_) all.push_back(entry);
    return all;
  }

  void kill(pid_t pid) {
    const auto at = processes_.find(pid);
    if (at == processes_.end() || immortal_.contains(pid)) return;
    at->second.zombie = true;
    at->second.marked = false;
    for (auto& [other, entry] : processes_) {
      if (entry.parent == pid) entry.parent = getpid();
    }
  }

  std::optional<ExitStatus> reap(pid_t pid) {
    const auto at = processes_.find(pid);
    if (at == processes_.end() || !at->second.zombie || at->second.parent != getpid()) {
      return std::nullopt;
    }
    processes_.erase(at);
    return ExitStatus{std::nullopt, 9};
  }

  OwnedRoot root(pid_t pid) { return {pid, processes_[pid].start_ticks, false}; }

  std::map<pid_t, ProcessEntry> processes_;
  std::vector<OwnedRoot> roots_;
  std::set<pid_t> immortal_;
  std::uint64_t next_tick_ = 1;
};

constexpr pid_t kRoot = 1'000'001;  // above any real number of a process

TEST(KillTree, EndsTheRootAndReportsItsStatus) {
  FakeSystem system;
  system.add(kRoot, getpid());
  const TreeEnd end = kill_tree(system.table(), system.tree(kRoot), milliseconds(1000));
  EXPECT_TRUE(end.gone);
  EXPECT_EQ(end.status, (ExitStatus{std::nullopt, 9}));
}

TEST(KillTree, FollowsParentsAndMarkersAndSparesStrangers) {
  FakeSystem system;
  system.add(kRoot, getpid());
  system.add(kRoot + 1, kRoot);
  system.add(kRoot + 2, kRoot + 1);
  system.add(kRoot + 3, 1, /*marked=*/true);
  system.add(kRoot + 4, kRoot + 3);
  system.add(kRoot + 5, 1);
  system.add(kRoot + 6, getpid());
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot), milliseconds(1000)).gone);
  for (pid_t pid = kRoot; pid <= kRoot + 4; ++pid) EXPECT_FALSE(system.alive(pid)) << pid;
  EXPECT_TRUE(system.alive(kRoot + 5));
  EXPECT_TRUE(system.alive(kRoot + 6));
}

TEST(KillTree, NeverTouchesThisProcess) {
  FakeSystem system;
  system.add(getpid(), kRoot, /*marked=*/true);
  system.add(kRoot, getpid());
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot), milliseconds(1000)).gone);
  EXPECT_TRUE(system.alive(getpid()));
}

TEST(KillTree, WaitsOnlyAsLongAsAllowedForAProcessThatStays) {
  FakeSystem system;
  system.add(kRoot, getpid());
  system.add(kRoot + 1, kRoot);
  system.never_dies(kRoot + 1);
  const auto before = std::chrono::steady_clock::now();
  const TreeEnd end = kill_tree(system.table(), system.tree(kRoot), milliseconds(100));
  EXPECT_FALSE(end.gone);
  EXPECT_TRUE(end.status) << "the root itself did end";
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(10));
}

TEST(KillTree, AZombieOfAStrangerDoesNotHoldItUp) {
  FakeSystem system;
  system.add(kRoot, getpid());
  system.add(kRoot + 1, 1, /*marked=*/true);  // its parent, not we, has to reap it
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot), milliseconds(1000)).gone);
}

// A daemon: forked twice, in a session of its own, without the marker.
TEST(KillTree, AnOrphanOfTheOnlyTreeGoesWithIt) {
  FakeSystem system;
  system.add(kRoot - 1, getpid());  // older than all we started: a shell left it to us
  system.own(kRoot);
  system.add(kRoot + 1, getpid());
  system.add(kRoot + 2, kRoot + 1);
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot), milliseconds(1000)).gone);
  EXPECT_FALSE(system.alive(kRoot + 1));
  EXPECT_FALSE(system.alive(kRoot + 2));
  EXPECT_TRUE(system.alive(kRoot - 1));
}

TEST(KillTree, AnOrphanThatMayBeAnothersStaysUntilThatOneEnds) {
  FakeSystem system;
  system.own(kRoot);
  system.add(kRoot + 1, getpid());  // older than the other root: of the first
  system.own(kRoot + 2);
  system.add(kRoot + 3, kRoot + 2);
  system.add(kRoot + 4, getpid());  // of either
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot), milliseconds(1000)).gone);
  EXPECT_FALSE(system.alive(kRoot));
  EXPECT_FALSE(system.alive(kRoot + 1));
  for (pid_t pid = kRoot + 2; pid <= kRoot + 4; ++pid) EXPECT_TRUE(system.alive(pid)) << pid;
  system.disown(kRoot);
  EXPECT_TRUE(kill_tree(system.table(), system.tree(kRoot + 2), milliseconds(1000)).gone);
  for (pid_t pid = kRoot + 2; pid <= kRoot + 4; ++pid) EXPECT_FALSE(system.alive(pid)) << pid;
}

TEST(KillTree, WithoutOrphansComingToUsAChildOfOursIsNobodysOrphan) {
  FakeSystem system;
  system.own(kRoot);
  system.add(kRoot + 1, getpid());
  ProcessTable table = system.table();
  table.roots = {};
  EXPECT_TRUE(kill_tree(table, system.tree(kRoot), milliseconds(1000)).gone);
  EXPECT_TRUE(system.alive(kRoot + 1));
}

TEST(KillTree, WithoutProcTheRootIsEndedAllTheSame) {
  FakeSystem system;
  system.own(kRoot);
  ProcessTable table = system.table();
  table.list = [](const std::string&) { return std::vector<ProcessEntry>(); };
  const TreeEnd end = kill_tree(table, system.tree(kRoot), milliseconds(1000));
  EXPECT_TRUE(end.gone);
  EXPECT_TRUE(end.status);
  EXPECT_FALSE(system.alive(kRoot));
}

TEST(KillChildren, EndsAllThatIsNotOlder) {
  FakeSystem system;
  system.add(kRoot - 1, getpid());
  system.own(kRoot);
  system.add(kRoot + 1, getpid());
  system.add(kRoot + 2, kRoot + 1);
  EXPECT_TRUE(
      kill_children(system.table(), system.tree(kRoot).root.start_ticks, milliseconds(1000)));
  for (pid_t pid = kRoot; pid <= kRoot + 2; ++pid) EXPECT_FALSE(system.alive(pid)) << pid;
  EXPECT_TRUE(system.alive(kRoot - 1));
}

TEST(OwnedRoots, RememberWhenTheFirstWasStarted) {
  OwnedRoots roots;
  EXPECT_EQ(roots.first_start_ticks(), 0U);
  {
    const auto lock = roots.hold();
    roots.add({10, 100});
    roots.add({11, 200});
  }
  roots.remove(10);
  roots.set_ending(11);
  ASSERT_EQ(roots.list().size(), 1U);
  EXPECT_TRUE(roots.list().front().same({11, 200}));
  EXPECT_TRUE(roots.list().front().ending);
  EXPECT_EQ(roots.first_start_ticks(), 100U);
}

TEST(OwnedRoots, WhoseAnOrphanIs) {
  const OwnedRoot first{10, 100};
  const OwnedRoot second{11, 200};
  EXPECT_TRUE(ends_with(first, {first}, 100));
  EXPECT_FALSE(ends_with(first, {first}, 99)) << "older than the root";
  EXPECT_TRUE(ends_with(first, {first, second}, 199));
  EXPECT_FALSE(ends_with(first, {first, second}, 200));
  EXPECT_FALSE(ends_with(second, {first, second}, 300));
  EXPECT_TRUE(ends_with(first, {first, {11, 200, true}}, 300)) << "it is to go as well";
  EXPECT_FALSE(ends_with({10, 0}, {{10, 0}}, 300)) << "nobody knows when it was started";
}

TEST(SystemProcessTable, ListsThisProcessWithItsParent) {
  const auto entries = system_process_table().list("NO_SUCH=variable");
  const auto self = std::find_if(entries.begin(), entries.end(),
                                 [](const auto& entry) { return entry.pid == getpid(); });
  ASSERT_NE(self, entries.end());
  EXPECT_EQ(self->parent, getppid());
  EXPECT_GT(self->start_ticks, 0U);
  EXPECT_FALSE(self->zombie);
  EXPECT_FALSE(self->marked);
}

}  // namespace
}  // namespace sweetspot::process
