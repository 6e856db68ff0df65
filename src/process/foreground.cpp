#include "process/foreground.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "process/cancel.hpp"
#include "process/start.hpp"

namespace sweetspot::process {
namespace {

using std::chrono::milliseconds;

std::vector<std::string> program_environment(const ForegroundOptions& options,
                                             const std::string& marker) {
  std::vector<std::string> wanted = {marker};
  // Without this a crash would start a debugger and hang there. A user who wants the debugger sets
  // the variable.
  if (std::getenv("GGML_NO_BACKTRACE") == nullptr) {  // NOLINT(concurrency-mt-unsafe)
    wanted.emplace_back("GGML_NO_BACKTRACE=1");
  }
  wanted.insert(wanted.end(), options.environment.begin(), options.environment.end());
  return environment_with(std::move(wanted));
}

}  // namespace

struct Foreground::State {
  OwnedProcess process;
  OutputTail output;
  OutputTail errors;
};

Result<Foreground> Foreground::start(const ForegroundOptions& options) {
  if (options.argv.empty()) return error(ErrorKind::internal, "no program to start was named");
  ignore_broken_pipes();
  auto output = make_pipe();
  auto errors = make_pipe();
  if (!output || !errors) return cannot_start(options.argv.front(), errno);

  const std::string marker = unique_marker();
  StartPlan plan;
  plan.argv = options.argv;
  plan.environment = program_environment(options, marker);
  plan.descriptors = {{output->write.get(), STDOUT_FILENO}, {errors->write.get(), STDERR_FILENO}};
  // What the user's shell ignores (nohup) stays ignored; only what we changed ourselves goes back.
  plan.default_signals = {SIGPIPE, SIGXFSZ};
  plan.own_cgroup = options.own_cgroup;
  Result<StartedProcess> started = start_process(std::move(plan));
  if (!started) return tl::unexpected(started.error());
  return Foreground(std::make_unique<State>(
      State{OwnedProcess(*std::move(started), marker, system_process_table()),
            OutputTail(output->read.release(), STDOUT_FILENO),
            OutputTail(errors->read.release(), STDERR_FILENO)}));
}

Foreground::Foreground(std::unique_ptr<State> state) : state_(std::move(state)) {}
Foreground::Foreground(Foreground&&) noexcept = default;

Foreground& Foreground::operator=(Foreground&& other) noexcept {
  if (this != &other) {
    if (state_) kill_tree();
    state_ = std::move(other.state_);
  }
  return *this;
}

Foreground::~Foreground() {
  if (state_) kill_tree(state_->process.last_wait());
}

pid_t Foreground::pid() const { return state_->process.pid(); }
const std::string& Foreground::marker() const { return state_->process.marker(); }
const OutputTail& Foreground::standard_output() const { return state_->output; }
const OutputTail& Foreground::standard_error() const { return state_->errors; }

std::string Foreground::printed() const {
  return state_->output.text() + "\n" + state_->errors.text();
}

std::optional<ExitStatus> Foreground::exit_status() const { return state_->process.exit_status(); }

std::optional<ExitStatus> Foreground::wait_exit(milliseconds timeout) const {
  return state_->process.wait_exit(timeout);
}

void Foreground::send(int signal) const {
  // While it is not reaped its number cannot belong to anybody else.
  if (!exit_status()) ::kill(pid(), signal);
}

bool Foreground::kill_tree(milliseconds timeout) {
  const bool gone = state_->process.kill_tree(timeout);
  if (!gone) return false;
  constexpr milliseconds kLastWords{500};
  (void)state_->output.wait_end(kLastWords);
  (void)state_->errors.wait_end(kLastWords);
  return true;
}

int shell_code(const ExitStatus& status) {
  constexpr int kSignalBase = 128;
  return status.code ? *status.code : kSignalBase + status.signal.value_or(0);
}

}  // namespace sweetspot::process
