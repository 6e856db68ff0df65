#include "process/tree.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>

#include "ground/pieces.hpp"
#include "process/child_cgroup.hpp"

namespace sweetspot::process {
namespace {

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has_variable(const std::string& environment, const std::string& variable) {
  // A program that wrote its title over its environment leaves empty entries there.
  if (variable.empty()) return false;
  std::size_t at = 0;
  while (at < environment.size()) {
    const std::size_t end = std::min(environment.find('\0', at), environment.size());
    if (environment.compare(at, end - at, variable) == 0) return true;
    at = end + 1;
  }
  return false;
}

// proc(5): "pid (name) state ppid ...", the name may hold anything, so count from the last bracket.
std::optional<ProcessEntry> read_entry(pid_t pid, const std::string& marker) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const std::string stat = read_whole(folder + "/stat");
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  ProcessEntry entry;
  entry.pid = pid;
  std::string state;
  fields >> state >> entry.parent;
  std::string skipped;
  constexpr int kFieldsBetweenParentAndStart = 17;
  for (int i = 0; i < kFieldsBetweenParentAndStart; ++i) fields >> skipped;
  fields >> entry.start_ticks;
  if (!fields) return std::nullopt;
  entry.zombie = state == "Z" || state == "X";
  entry.marked = has_variable(read_whole(folder + "/environ"), marker);
  return entry;
}

std::vector<ProcessEntry> list_processes(const std::string& marker) {
  std::vector<ProcessEntry> entries;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  if (!folder) return entries;
  while (const dirent* item = readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe)
    const auto pid = number_of<pid_t>(item->d_name);
    if (!pid) continue;
    if (auto entry = read_entry(*pid, marker)) entries.push_back(*entry);
  }
  return entries;
}

std::optional<ExitStatus> reap_child(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  if (WIFSIGNALED(status)) return ExitStatus{std::nullopt, WTERMSIG(status)};
  return ExitStatus{WEXITSTATUS(status), std::nullopt};
}

// What is being ended. Who was seen once is remembered by (pid, start): a process whose parents are
// gone is still known to belong here.
class Ending {
 public:
  Ending(const ProcessTable& table, const Tree& tree) : table_(table), tree_(tree) {}

  // Every child that is not older, instead of one tree.
  Ending(const ProcessTable& table, std::uint64_t since_ticks)
      : table_(table), tree_{{0, since_ticks, true}, true, {}}, every_child_(true) {}

  // Kills all that belongs to it and reaps what ended. True when nothing is left.
  bool sweep() {
    const std::vector<ProcessEntry> members = find_members();
    for (const ProcessEntry& member : members) {
      if (!member.zombie) table_.kill(member.pid);
    }
    if (root_lives()) table_.kill(-tree_.root.pid);
    bool left = false;
    for (const ProcessEntry& member : members) left = !settle(member) || left;
    return !left;
  }

  [[nodiscard]] const std::optional<ExitStatus>& status() const { return status_; }

 private:
  [[nodiscard]] bool root_lives() const { return !tree_.reaped && !status_; }
  [[nodiscard]] bool is_root(pid_t pid) const { return pid == tree_.root.pid && root_lives(); }

  // A member is done when we reaped it, or when it is a zombie that somebody else has to reap.
  bool settle(const ProcessEntry& member) {
    if (const auto status = table_.reap(member.pid)) {
      if (is_root(member.pid)) status_ = status;
      return true;
    }
    return member.zombie && !is_root(member.pid) && member.parent != getpid();
  }

  std::vector<ProcessEntry> find_members() {
    const std::vector<ProcessEntry> all = list();
    // Asked after the list was read: what was started meanwhile is in it.
    roots_ = table_.roots ? table_.roots() : std::vector<OwnedRoot>();
    std::set<pid_t> members;
    for (const ProcessEntry& entry : all) {
      if (belongs(entry)) members.insert(entry.pid);
    }
    add_descendants(all, members);
    std::vector<ProcessEntry> found;
    for (const ProcessEntry& entry : all) {
      if (entry.pid == getpid() || !members.contains(entry.pid)) continue;
      known_.insert({entry.pid, entry.start_ticks});
      found.push_back(entry);
    }
    return found;
  }

  // Without /proc nobody is listed: the root itself can be ended all the same.
  std::vector<ProcessEntry> list() {
    std::vector<ProcessEntry> all = table_.list(tree_.marker);
    if (all.empty() && root_lives()) {
      all.push_back({tree_.root.pid, getpid(), tree_.root.start_ticks, false, false});
    }
    return all;
  }

  [[nodiscard]] bool belongs(const ProcessEntry& entry) const {
    return entry.marked || is_root(entry.pid) || known_.contains({entry.pid, entry.start_ticks}) ||
           is_orphan(entry);
  }

  // A child of ours that we did not start. One that has ended is reaped whosever it was, so that
  // the table of processes does not fill.
  [[nodiscard]] bool is_orphan(const ProcessEntry& entry) const {
    if (entry.parent != getpid()) return false;
    if (every_child_) return entry.start_ticks >= tree_.root.start_ticks;
    if (!owned(tree_.root) || owned({entry.pid, entry.start_ticks})) return false;
    if (entry.zombie) return entry.start_ticks >= tree_.root.start_ticks;
    return ends_with(tree_.root, roots_, entry.start_ticks);
  }

  [[nodiscard]] bool owned(const OwnedRoot& wanted) const {
    return std::any_of(roots_.begin(), roots_.end(),
                       [&](const OwnedRoot& root) { return root.same(wanted); });
  }

  static void add_descendants(const std::vector<ProcessEntry>& all, std::set<pid_t>& members) {
    bool grew = !members.empty();
    while (grew) {
      grew = false;
      for (const ProcessEntry& entry : all) {
        if (entry.pid != getpid() && members.contains(entry.parent)) {
          grew = members.insert(entry.pid).second || grew;
        }
      }
    }
  }

  const ProcessTable& table_;
  Tree tree_;
  bool every_child_ = false;
  std::vector<OwnedRoot> roots_;
  std::set<std::pair<pid_t, std::uint64_t>> known_;
  std::optional<ExitStatus> status_;
};

// A process forked while the list was read may be missing from it: two clean sweeps in a row count.
bool sweep_until(Ending& ending, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto pause = std::chrono::milliseconds(1);
  constexpr auto kLongestPause = std::chrono::milliseconds(50);
  for (;;) {
    if (ending.sweep() && ending.sweep()) return true;
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

// The process whose exit() is meant: in a forked one that never became another program, it would
// end the parent's children.
std::atomic<pid_t> reaper{0};

void last_sweep() {
  const std::uint64_t since = owned_roots().first_start_ticks();
  if (reaper != getpid() || since == 0) return;
  constexpr std::chrono::milliseconds kPatience(1000);
  end_own_cgroups();
  kill_children(system_process_table(), since, kPatience);
  end_own_cgroups();  // their folders, now that they are empty
}

}  // namespace

ProcessTable system_process_table() {
  ProcessTable table{list_processes, [](pid_t pid) { ::kill(pid, SIGKILL); }, reap_child};
  if (reaper == getpid()) table.roots = [] { return owned_roots().list(); };
  return table;
}

TreeEnd kill_tree(const ProcessTable& table, const Tree& tree, std::chrono::milliseconds timeout) {
  Ending ending(table, tree);
  const bool gone = sweep_until(ending, timeout);
  return {gone, ending.status()};
}

bool kill_children(const ProcessTable& table, std::uint64_t since_ticks,
                   std::chrono::milliseconds timeout) {
  Ending ending(table, since_ticks);
  return sweep_until(ending, timeout);
}

bool become_subreaper() {
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return false;
  if (reaper.exchange(getpid()) != getpid()) std::atexit(last_sweep);
  return true;
}

bool can_see_processes() { return access("/proc/self/stat", R_OK) == 0; }

Error no_proc() {
  return {ErrorKind::host_limit,
          "/proc is not there, and sweetspot needs it to find its worker and to end what it starts",
          "mount it (`mount -t proc proc /proc`)"};
}

std::uint64_t start_ticks_of(pid_t pid) {
  const auto entry = read_entry(pid, {});
  return entry ? entry->start_ticks : 0;
}

}  // namespace sweetspot::process
