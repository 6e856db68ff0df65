#include "process/tree.hpp"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>

namespace sweetspot::process {
namespace {

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool has_variable(const std::string& environment, const std::string& variable) {
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
    const std::string_view name = item->d_name;
    pid_t pid = 0;
    const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (problem != std::errc{} || end != name.data() + name.size()) continue;
    if (auto entry = read_entry(pid, marker)) entries.push_back(*entry);
  }
  return entries;
}

std::optional<ExitStatus> reap_child(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, WNOHANG) != pid) return std::nullopt;
  if (WIFSIGNALED(status)) return ExitStatus{std::nullopt, WTERMSIG(status)};
  return ExitStatus{WEXITSTATUS(status), std::nullopt};
}

// One tree that is being ended. Who was seen once is remembered by (pid, start): a process whose
// parents are gone is still known to belong here.
class Ending {
 public:
  Ending(const ProcessTable& table, pid_t root, const std::string& marker)
      : table_(table), root_(root), marker_(marker) {}

  // Kills all that belongs to the tree and reaps what ended. True when nothing is left.
  bool sweep() {
    const std::vector<ProcessEntry> members = find_members();
    for (const ProcessEntry& member : members) {
      if (!member.zombie) table_.kill(member.pid);
    }
    if (root_ > 0 && !status_) table_.kill(-root_);
    bool left = false;
    for (const ProcessEntry& member : members) left = !settle(member) || left;
    return !left;
  }

  [[nodiscard]] const std::optional<ExitStatus>& status() const { return status_; }

 private:
  // A member is done when we reaped it, or when it is a zombie that somebody else has to reap.
  bool settle(const ProcessEntry& member) {
    if (const auto status = table_.reap(member.pid)) {
      if (member.pid == root_) status_ = status;
      return true;
    }
    return member.zombie && member.pid != root_ && member.parent != getpid();
  }

  std::vector<ProcessEntry> find_members() {
    const std::vector<ProcessEntry> all = table_.list(marker_);
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

  [[nodiscard]] bool belongs(const ProcessEntry& entry) const {
    return entry.marked || (entry.pid == root_ && !status_) ||
           known_.contains({entry.pid, entry.start_ticks});
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
  pid_t root_;
  const std::string& marker_;
  std::set<std::pair<pid_t, std::uint64_t>> known_;
  std::optional<ExitStatus> status_;
};

}  // namespace

ProcessTable system_process_table() {
  return ProcessTable{list_processes, [](pid_t pid) { ::kill(pid, SIGKILL); }, reap_child};
}

TreeEnd kill_tree(const ProcessTable& table, pid_t root, const std::string& marker,
                  std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Ending ending(table, root, marker);
  auto pause = std::chrono::milliseconds(1);
  constexpr auto kLongestPause = std::chrono::milliseconds(50);
  // A process forked while the list was read may be missing from it: two clean sweeps in a row
  // count.
  for (;;) {
    if (ending.sweep() && ending.sweep()) return {true, ending.status()};
    if (std::chrono::steady_clock::now() >= deadline) return {false, ending.status()};
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

bool become_subreaper() { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0; }

}  // namespace sweetspot::process
