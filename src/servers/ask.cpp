#include "servers/ask.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstddef>
#include <utility>

#include "core/text.hpp"
#include "servers/command.hpp"

namespace sweetspot::servers {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kToEnd{2000};
/// What it printed last is read by a thread that a busy machine may keep waiting.
constexpr milliseconds kToRead{5000};

}  // namespace

process::SpawnOptions plain_start(std::vector<std::string> argv) {
  process::SpawnOptions spawn;
  spawn.argv = std::move(argv);
  spawn.without = "LLAMA_";
  spawn.environment = {{"XDG_CONFIG_HOME", "/nonexistent/sweetspot"}};
  return spawn;
}

Result<Printed> printed_by(std::vector<std::string> argv, milliseconds patience,
                           const process::CancelToken* cancel) {
  process::SpawnOptions spawn = plain_start(std::move(argv));
  spawn.kept_bytes = std::size_t{1} << 20U;
  Result<process::Child> child = process::Child::spawn(spawn);
  if (!child) {
    Error error = child.error();
    if (error.kind == ErrorKind::internal) error.kind = ErrorKind::device;
    return tl::unexpected(std::move(error));
  }
  const auto end_early = [&child] {
    // A container lives on when the client that started it is killed.
    child->send(SIGTERM);
    (void)child->wait_exit(kToEnd);
  };
  const process::Waited waited = process::wait_for_end(*child, patience, cancel);
  if (waited != process::Waited::ended) end_early();
  if (waited == process::Waited::cancelled) return error(ErrorKind::interrupted, "interrupted");
  if (waited == process::Waited::too_long) {
    return error(ErrorKind::device,
                 fmt::format("{} has not ended after {} s", shortened(line_of(spawn.argv)),
                             std::chrono::duration_cast<std::chrono::seconds>(patience).count()),
                 "it may wait for an answer: name a llama-server that asks nothing");
  }
  const process::ExitStatus status = *child->exit_status();
  child->kill_tree();
  (void)child->output().wait_end(kToRead);
  return Printed{child->output().text(), status};
}

}  // namespace sweetspot::servers
