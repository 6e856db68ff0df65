#include "process/start.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>

#include "process/child.hpp"
#include "process/own_limits.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;

constexpr int kErrorFd = 48;  // out of the way of every number that is wanted
constexpr int kOutOfTheWay = 16;
constexpr std::size_t kMostDescriptors = 8;

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// For kernels without close_range: looked up before the fork, since the child may not allocate.
int highest_descriptor() {
  int highest = 1024;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return highest;
  while (const dirent* item = readdir(folder)) {           // NOLINT(concurrency-mt-unsafe)
    highest = std::max(highest, std::atoi(item->d_name));  // NOLINT(cert-err34-c): "." reads as 0
  }
  closedir(folder);
  return highest;
}

// Everything the child needs, made before the fork.
struct Launch {
  const StartPlan* plan = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int error_fd = -1;
  int highest_fd = 0;
  int cgroup_entrance = -1;
  pid_t parent = 0;
};

// ---- between fork and exec: only async-signal-safe calls
// ------------------------------------------------

void reset_signals(const std::vector<int>& signals) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (const int signal : signals) sigaction(signal, &action, nullptr);
}

void close_on_exec_from(int first, int highest) {
  if (close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = first; fd <= highest; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// A copy with a number of at least `lowest`. Where the limit of descriptors allows no such number
// the kernel calls the argument invalid: to us it is one too many.
int duplicate_from(int fd, int lowest) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  if (copy < 0 && errno == EINVAL) errno = EMFILE;
  return copy;
}

// Sources may lie on the very numbers that are to be filled: move them out of the way first.
bool place_descriptors(const std::vector<PlacedDescriptor>& wanted) {
  std::array<int, kMostDescriptors> moved{};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    moved[i] = duplicate_from(wanted[i].ours, kOutOfTheWay);
    if (moved[i] < 0) return false;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (dup2(moved[i], wanted[i].theirs) < 0) return false;
  }
  return true;
}

[[noreturn]] void fail_child(int error_fd) {
  const int problem = errno;
  [[maybe_unused]] const ssize_t written = write(error_fd, &problem, sizeof problem);
  _exit(127);
}

[[noreturn]] void become_child(const Launch& launch) {
  const StartPlan& plan = *launch.plan;
  if (plan.own_session) setsid();
  reset_signals(plan.default_signals);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_cgroup(launch.cgroup_entrance);
  restore_memory_limit();
  // The parent may have died before the request to follow it.
  if (getppid() != launch.parent) _exit(127);
  if (!plan.dump_core) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
  }
  const int error_fd = duplicate_from(launch.error_fd, kErrorFd);
  if (error_fd < 0 || !place_descriptors(plan.descriptors)) fail_child(launch.error_fd);
  close_on_exec_from(plan.first_closed_fd, launch.highest_fd + 64);
  execve(launch.argv[0], launch.argv, launch.environment);
  fail_child(error_fd);
}

// ---- back in the parent
// ----------------------------------------------------------------------------------

// errno of the failed exec, or 0 when the pipe closed because exec succeeded.
int exec_problem(int fd) {
  int problem = 0;
  ssize_t count = 0;
  do {
    count = read(fd, &problem, sizeof problem);
  } while (count < 0 && errno == EINTR);
  return count == sizeof problem ? problem : 0;
}

// No sweep of another thread may see the child before it is known as ours.
std::optional<OwnedRoot> fork_owned(const Launch& launch) {
  const auto lock = owned_roots().hold();
  const pid_t pid = fork();
  if (pid == 0) become_child(launch);
  if (pid < 0) return std::nullopt;
  const OwnedRoot root{pid, start_ticks_of(pid), false};
  owned_roots().add(root);
  return root;
}

void reap_now(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string unique_marker() {
  static std::atomic<unsigned> count{0};
  std::random_device random;
  std::string marker = kMarkerName;
  marker.append("=").append(std::to_string(getpid()));
  marker.append("-").append(std::to_string(count.fetch_add(1)));
  marker.append("-").append(std::to_string(random()));
  return marker;
}

std::vector<std::string> environment_with(std::vector<std::string> wanted,
                                          std::string_view without) {
  const auto same_name = [](const std::string& one, std::string_view other) {
    return other.substr(0, one.find('=') + 1) == std::string_view(one).substr(0, one.find('=') + 1);
  };
  std::vector<std::string> result;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const bool replaced = std::any_of(wanted.begin(), wanted.end(),
                                      [&](const auto& ours) { return same_name(ours, *variable); });
    const bool left_out = !without.empty() && std::string_view(*variable).starts_with(without);
    if (!replaced && !left_out) result.emplace_back(*variable);
  }
  result.insert(result.end(), wanted.begin(), wanted.end());
  return result;
}

tl::unexpected<Error> cannot_start(const std::string& program, int problem) {
  ErrorKind kind = ErrorKind::host_limit;
  std::string why;
  std::string remedy;
  switch (problem) {
    case EAGAIN:
      why = "this account may have no more processes";
      remedy = "end some of them, or raise the limit that `ulimit -u` shows";
      break;
    case EMFILE:
    case ENFILE:
      why = "there are no file descriptors left";
      remedy = "raise the limit that `ulimit -n` shows to 64 or more";
      break;
    case ENOMEM:
      why = "this machine has no memory for it";
      remedy = "free some, or raise the limit that `ulimit -v` shows";
      break;
    default:
      kind = ErrorKind::internal;
      why = std::generic_category().message(problem);
      remedy = "check that the file is there and may be executed";
  }
  std::string message = "cannot start ";
  message.append(program).append(": ").append(why);
  return error(kind, std::move(message), std::move(remedy));
}

Result<StartedProcess> start_process(StartPlan plan) {
  if (plan.argv.empty()) return error(ErrorKind::internal, "no program to start was named");
  if (plan.descriptors.size() > kMostDescriptors) {
    return error(ErrorKind::internal, "too many descriptors for a process");
  }
  if (!can_see_processes()) return tl::unexpected(no_proc());
  const std::string program = plan.argv.front();
  auto errors = make_pipe();
  if (!errors) return cannot_start(program, errno);
  const std::vector<char*> argv = pointers(plan.argv);
  const std::vector<char*> environment = pointers(plan.environment);
  StartedProcess started;
  if (plan.own_cgroup) started.cgroup = ChildCgroup::make();
  Launch launch;
  launch.plan = &plan;
  launch.argv = argv.data();
  launch.environment = environment.data();
  launch.error_fd = errors->write.get();
  launch.highest_fd = highest_descriptor();
  launch.cgroup_entrance = started.cgroup ? started.cgroup->entrance() : -1;
  launch.parent = getpid();
  const auto pid = fork_owned(launch);
  if (!pid) return cannot_start(program, errno);
  started.root = *pid;
  errors->write.reset();
  if (const int problem = exec_problem(errors->read.get()); problem != 0) {
    reap_now(started.root.pid);
    owned_roots().remove(started.root.pid);
    return cannot_start(program, problem);
  }
  return started;
}

std::optional<ExitStatus> OwnedProcess::exit_status() const {
  if (reaped_) return reaped_;
  // WNOWAIT leaves a zombie, which keeps the number ours until kill_tree() has ended the group.
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(root_.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return std::nullopt;
  }
  if (info.si_pid != root_.pid) return std::nullopt;
  if (info.si_code == CLD_EXITED) return ExitStatus{info.si_status, std::nullopt};
  return ExitStatus{std::nullopt, info.si_status};
}

std::optional<ExitStatus> OwnedProcess::wait_exit(milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto status = exit_status();
    if (status || std::chrono::steady_clock::now() >= deadline) return status;
    std::this_thread::sleep_for(milliseconds(2));
  }
}

// Whom only the group knew is killed too, but it takes the kernel a moment.
bool OwnedProcess::group_is_empty(std::chrono::steady_clock::time_point deadline) const {
  while (cgroup_ && cgroup_->populated()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(milliseconds(1));
  }
  return true;
}

bool OwnedProcess::kill_tree(milliseconds timeout) {
  if (gone_) return true;
  tried_ = true;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  owned_roots().set_ending(root_.pid);
  if (cgroup_) cgroup_->kill();
  const TreeEnd end =
      process::kill_tree(table_, Tree{root_, reaped_.has_value(), marker_}, timeout);
  if (end.status) reaped_ = end.status;
  gone_ = end.gone && group_is_empty(deadline);
  if (!gone_) return false;
  cgroup_.reset();
  owned_roots().remove(root_.pid);
  return true;
}

milliseconds OwnedProcess::last_wait() const { return milliseconds(tried_ ? 0 : 1000); }

}  // namespace sweetspot::process
