#include "app/connection.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "app/engines.hpp"
#include "engine/failure.hpp"
#include "engine/locate.hpp"
#include "ground/bytes.hpp"
#include "kernel/memory.hpp"

namespace sweetspot::app {

std::uint64_t default_host_reserve_bytes(std::uint64_t total_bytes) {
  return std::clamp(total_bytes / 20, 256 * kMiB, 2 * kGiB);
}

namespace {

// A little more than the adapter gives its server to end.
constexpr double kToLeave = 6;

// The worker that works with the wanted engine: the linked one, or the adapter and what it drives.
Result<engine::StartOptions> found_worker(const Workplace& workplace) {
  const auto wanted = engine_of(workplace);
  if (!wanted) return tl::unexpected(wanted.error());
  const bool adapter = *wanted && workplace.worker_program.empty();
  Result<engine::WorkerProgram> program =
      adapter ? engine::locate_adapter() : engine::locate_worker(workplace.worker_program);
  if (!program) return tl::unexpected(program.error());
  engine::StartOptions start;
  start.program = *std::move(program);
  if (adapter) {
    const auto linked = engine::locate_worker();
    if (linked) start.linked_worker = *linked;
  }
  if (*wanted) {
    if (servers::hides_its_server((*wanted)->command)) start.deadlines.leave_seconds = kToLeave;
    start.engine_program = servers::text_of((*wanted)->command);
    start.engine_hash = (*wanted)->hash;
    start.environment.emplace_back("SWEETSPOT_ENGINE", servers::text_of((*wanted)->command));
  }
  return start;
}

}  // namespace

Result<engine::StartOptions> start_options(const Workplace& workplace,
                                           const Connection& connection) {
  Result<engine::StartOptions> found = found_worker(workplace);
  if (!found) return found;
  engine::StartOptions& start = *found;
  start.rpc = connection.rpc;
  start.cancel = workplace.cancel;
  start.host_reserve_bytes = connection.host_reserve_bytes.value_or(
      default_host_reserve_bytes(kernel::host_memory().total_bytes.value_or(0)));
  start.available_host_bytes = [] {
    const Reading<std::uint64_t> available = kernel::host_memory().available_bytes;
    return available ? std::optional(*available) : std::nullopt;
  };
  if (connection.load_timeout_seconds > 0) {
    start.deadlines.load_base_seconds = connection.load_timeout_seconds;
    // The user's figure is the whole deadline: the size adds nothing.
    start.deadlines.load_bytes_per_second = std::numeric_limits<double>::infinity();
  }
  if (connection.step_timeout_seconds > 0) {
    start.deadlines.step_seconds = connection.step_timeout_seconds;
  }
  return found;
}

Result<engine::Worker> start_worker(const Workplace& workplace, const Connection& connection) {
  const Result<engine::StartOptions> start = start_options(workplace, connection);
  if (!start) return tl::unexpected(start.error());
  Outcome<engine::Worker> worker = engine::Worker::start(*start);
  if (!worker) return tl::unexpected(engine::as_error(worker.error()));
  return *std::move(worker);
}

}  // namespace sweetspot::app
