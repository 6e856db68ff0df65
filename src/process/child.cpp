#include "process/child.hpp"

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
#include <cstring>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>

#include "process/cancel.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;

constexpr int kFirstClosedFd = kChildEventFd + 1;

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::string unique_marker() {
  static std::atomic<unsigned> count{0};
  std::random_device random;
  return std::string(kMarkerName) + "=" + std::to_string(getpid()) + "-" +
         std::to_string(count.fetch_add(1)) + "-" + std::to_string(random());
}

std::vector<std::string> child_environment(const SpawnOptions& options, const std::string& marker) {
  std::vector<std::string> wanted = {marker, "GGML_NO_BACKTRACE=1"};
  for (const auto& [name, value] : options.environment)
    wanted.emplace_back(name).append("=").append(value);
  const auto same_name = [](const std::string& one, std::string_view other) {
    return other.substr(0, one.find('=') + 1) == std::string_view(one).substr(0, one.find('=') + 1);
  };
  std::vector<std::string> result;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const bool replaced = std::any_of(wanted.begin(), wanted.end(),
                                      [&](const auto& ours) { return same_name(ours, *variable); });
    if (!replaced) result.emplace_back(*variable);
  }
  result.insert(result.end(), wanted.begin(), wanted.end());
  return result;
}

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
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  int request_fd = -1;
  int event_fd = -1;
  int output_fd = -1;
  int null_fd = -1;
  int error_fd = -1;
  int highest_fd = 0;
  pid_t parent = 0;
};

// ---- between fork and exec: only async-signal-safe calls
// ------------------------------------------------

void reset_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT, SIGCHLD}) {
    sigaction(signal, &action, nullptr);
  }
}

void close_on_exec_from(int first, int highest) {
  if (close_range(static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  for (int fd = first; fd <= highest; ++fd) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// Sources may lie on the very numbers that are to be filled: move them out of the way first.
bool place_descriptors(const Launch& launch) {
  constexpr int kOutOfTheWay = 16;
  const std::array<std::pair<int, int>, 5> wanted = {{{launch.null_fd, STDIN_FILENO},
                                                      {launch.output_fd, STDOUT_FILENO},
                                                      {launch.output_fd, STDERR_FILENO},
                                                      {launch.request_fd, kChildRequestFd},
                                                      {launch.event_fd, kChildEventFd}}};
  std::array<int, 5> moved{};
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    moved[i] = fcntl(wanted[i].first, F_DUPFD_CLOEXEC, kOutOfTheWay);
    if (moved[i] < 0) return false;
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (dup2(moved[i], wanted[i].second) < 0) return false;
  }
  return true;
}

[[noreturn]] void fail_child(int error_fd) {
  const int problem = errno;
  [[maybe_unused]] const ssize_t written = write(error_fd, &problem, sizeof problem);
  _exit(127);
}

[[noreturn]] void become_child(const Launch& launch) {
  setsid();
  reset_signals();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the request to follow it.
  if (getppid() != launch.parent) _exit(127);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int error_fd = fcntl(launch.error_fd, F_DUPFD_CLOEXEC, 32);
  if (error_fd < 0 || !place_descriptors(launch)) fail_child(launch.error_fd);
  close_on_exec_from(kFirstClosedFd, launch.highest_fd + 64);
  execve(launch.argv[0], launch.argv, launch.environment);
  fail_child(error_fd);
}

// ---- back in the parent
// ----------------------------------------------------------------------------------

tl::unexpected<Error> cannot_start(const std::string& program, int problem) {
  return error(ErrorKind::internal,
               "cannot start " + program + ": " + std::generic_category().message(problem),
               "check that the file is there and may be executed");
}

// errno of the failed exec, or 0 when the pipe closed because exec succeeded.
int exec_problem(int fd) {
  int problem = 0;
  ssize_t count = 0;
  do {
    count = read(fd, &problem, sizeof problem);
  } while (count < 0 && errno == EINTR);
  return count == sizeof problem ? problem : 0;
}

void reap_now(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

struct Child::State {
  pid_t pid = 0;
  std::string marker;
  ProcessTable table;
  Descriptor requests;
  Descriptor events;
  std::optional<OutputTail> output;
  std::optional<ExitStatus> reaped;
  bool tried = false;  // to end it
  bool gone = false;
};

Result<Child> Child::spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return error(ErrorKind::internal, "no program to start was named");
  ignore_broken_pipes();
  const std::string& program = options.argv.front();

  auto requests = make_pipe();
  auto events = make_pipe();
  auto output = make_pipe();
  auto errors = make_pipe();
  const Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!requests || !events || !output || !errors || null.get() < 0) {
    return cannot_start(program, errno);
  }

  auto state = std::make_unique<State>();
  state->marker = unique_marker();
  state->table = options.table.value_or(system_process_table());
  std::vector<std::string> argv = options.argv;
  std::vector<std::string> environment = child_environment(options, state->marker);
  const std::vector<char*> argv_pointers = pointers(argv);
  const std::vector<char*> environment_pointers = pointers(environment);
  const Launch launch = {argv_pointers.data(), environment_pointers.data(), requests->read.get(),
                         events->write.get(),  output->write.get(),         null.get(),
                         errors->write.get(),  highest_descriptor(),        getpid()};

  state->pid = fork();
  if (state->pid == 0) become_child(launch);
  if (state->pid < 0) return cannot_start(program, errno);
  requests->read.reset();
  events->write.reset();
  output->write.reset();
  errors->write.reset();
  if (const int problem = exec_problem(errors->read.get()); problem != 0) {
    reap_now(state->pid);
    return cannot_start(program, problem);
  }

  fcntl(requests->write.get(), F_SETFL, O_NONBLOCK);
  state->requests = std::move(requests->write);
  state->events = std::move(events->read);
  state->output.emplace(output->read.release());
  return Child(std::move(state));
}

Child::Child(std::unique_ptr<State> state) : state_(std::move(state)) {}
Child::Child(Child&&) noexcept = default;

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    if (state_) kill_tree();
    state_ = std::move(other.state_);
  }
  return *this;
}

Child::~Child() {
  if (state_) kill_tree(state_->tried ? milliseconds(0) : milliseconds(1000));
}

pid_t Child::pid() const { return state_->pid; }
int Child::request_fd() const { return state_->requests.get(); }
int Child::event_fd() const { return state_->events.get(); }
const std::string& Child::marker() const { return state_->marker; }
const OutputTail& Child::output() const { return *state_->output; }

std::optional<ExitStatus> Child::exit_status() const {
  if (state_->reaped) return state_->reaped;
  // WNOWAIT leaves a zombie, which keeps the number ours until kill_tree() has ended the group.
  siginfo_t info = {};
  if (waitid(P_PID, static_cast<id_t>(state_->pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return std::nullopt;
  }
  if (info.si_pid != state_->pid) return std::nullopt;
  if (info.si_code == CLD_EXITED) return ExitStatus{info.si_status, std::nullopt};
  return ExitStatus{std::nullopt, info.si_status};
}

std::optional<ExitStatus> Child::wait_exit(milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto status = exit_status();
    if (status || std::chrono::steady_clock::now() >= deadline) return status;
    std::this_thread::sleep_for(milliseconds(2));
  }
}

bool Child::kill_tree(milliseconds timeout) {
  if (state_->gone) return true;
  state_->tried = true;
  const pid_t root = state_->reaped ? 0 : state_->pid;
  const TreeEnd end = process::kill_tree(state_->table, root, state_->marker, timeout);
  if (end.status) state_->reaped = end.status;
  state_->gone = end.gone;
  state_->requests.reset();
  // With every writer gone the pipe ends: what they printed last is read before we look at it.
  if (state_->gone) state_->output->settle(milliseconds(200));
  return state_->gone;
}

}  // namespace sweetspot::process
