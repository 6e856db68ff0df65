#include "process/child.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "process/cancel.hpp"
#include "process/start.hpp"

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;

constexpr int kFirstClosedFd = kChildEventFd + 1;

std::vector<std::string> child_environment(const SpawnOptions& options, const std::string& marker) {
  std::vector<std::string> wanted = {marker, "GGML_NO_BACKTRACE=1"};
  for (const auto& [name, value] : options.environment)
    wanted.emplace_back(name).append("=").append(value);
  return environment_with(std::move(wanted), options.without);
}

}  // namespace

struct Child::State {
  OwnedProcess process;
  Descriptor requests;
  Descriptor events;
  OutputTail output;
};

Result<Child> Child::spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return error(ErrorKind::internal, "no program to start was named");
  ignore_broken_pipes();

  auto requests = make_pipe();
  auto events = make_pipe();
  auto output = make_pipe();
  const Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!requests || !events || !output || null.get() < 0) {
    return cannot_start(options.argv.front(), errno);
  }

  const std::string marker = unique_marker();
  StartPlan plan;
  plan.argv = options.argv;
  plan.environment = child_environment(options, marker);
  plan.descriptors = {{null.get(), STDIN_FILENO},
                      {output->write.get(), STDOUT_FILENO},
                      {output->write.get(), STDERR_FILENO},
                      {requests->read.get(), kChildRequestFd},
                      {events->write.get(), kChildEventFd}};
  plan.first_closed_fd = kFirstClosedFd;
  plan.default_signals = {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT, SIGCHLD};
  plan.own_session = true;
  plan.dump_core = false;
  plan.own_cgroup = options.own_cgroup;
  Result<StartedProcess> started = start_process(std::move(plan));
  if (!started) return tl::unexpected(started.error());

  fcntl(requests->write.get(), F_SETFL, O_NONBLOCK);
  return Child(std::make_unique<State>(State{
      OwnedProcess(*std::move(started), marker, options.table.value_or(system_process_table())),
      std::move(requests->write), std::move(events->read),
      OutputTail(output->read.release(), -1, options.kept_bytes)}));
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
  if (state_) kill_tree(state_->process.last_wait());
}

pid_t Child::pid() const { return state_->process.pid(); }
int Child::request_fd() const { return state_->requests.get(); }
int Child::event_fd() const { return state_->events.get(); }
void Child::end_requests() { state_->requests.reset(); }
const std::string& Child::marker() const { return state_->process.marker(); }
const OutputTail& Child::output() const { return state_->output; }

void Child::send(int signal) const {
  // While it is not reaped its number cannot belong to anybody else.
  if (!exit_status()) ::kill(pid(), signal);
}

std::optional<ExitStatus> Child::exit_status() const { return state_->process.exit_status(); }

std::optional<ExitStatus> Child::wait_exit(milliseconds timeout) const {
  return state_->process.wait_exit(timeout);
}

bool Child::kill_tree(milliseconds timeout) {
  const bool gone = state_->process.kill_tree(timeout);
  state_->requests.reset();
  // With every writer gone the pipe ends: what they printed last is read before we look at it.
  if (gone) state_->output.settle(milliseconds(200));
  return gone;
}

Waited wait_for_end(const Child& child, milliseconds patience, const CancelToken* cancel) {
  constexpr milliseconds kLook{100};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!child.exit_status()) {
    if (cancel != nullptr && cancel->cancelled()) return Waited::cancelled;
    if (std::chrono::steady_clock::now() >= deadline) return Waited::too_long;
    (void)child.wait_exit(kLook);
  }
  return Waited::ended;
}

}  // namespace sweetspot::process
