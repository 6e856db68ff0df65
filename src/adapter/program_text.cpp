#include "adapter/program_text.hpp"

#include <fmt/format.h>

#include "process/child.hpp"

namespace sweetspot::adapter {
namespace {

constexpr std::size_t kMostBytes = std::size_t{4} << 20U;

}  // namespace

Answer<std::string> printed_by(const std::vector<std::string>& argv, Phase phase,
                               std::chrono::milliseconds timeout) {
  process::SpawnOptions spawn;
  spawn.argv = argv;
  spawn.kept_bytes = kMostBytes;
  auto child = process::Child::spawn(spawn);
  if (!child) return fault(FaultCode::exception, phase, child.error().message);
  const bool ended = child->wait_exit(timeout).has_value();
  child->kill_tree();
  if (!ended) {
    return fault(FaultCode::exception, phase,
                 fmt::format("{} {} does not end within {} s", argv.front(), argv.back(),
                             std::chrono::duration_cast<std::chrono::seconds>(timeout).count()));
  }
  return child->output().text();
}

}  // namespace sweetspot::adapter
