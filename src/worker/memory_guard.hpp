// Ends this process before it takes the machine's last memory (R31).
//
// A context that is too large is not refused by the system but granted and then filled, until the
// kernel kills someone. While the guard watches, that someone is us, early, and with a reason.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/error.hpp"
#include "worker/outbox.hpp"

namespace sweetspot::worker {

/// What is left for this process: of the machine, or of its control group where that is less.
struct HostMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;
};

/// Nothing where the system does not say (other than Linux).
std::optional<HostMemory> read_host_memory();

/// True where less than the reserve (512 MiB, or 5 % of a smaller machine) is left and `own_bytes`
/// are the larger part of what is gone.
bool must_give_up(const HostMemory& memory, std::uint64_t own_bytes);

class MemoryGuard {
 public:
  explicit MemoryGuard(Outbox& outbox) : outbox_(outbox) {}

  /// Watches while the request of that id allocates. Reading costs some microseconds every 50 ms,
  /// so nothing is timed meanwhile.
  void watch(std::uint64_t id, Phase phase);
  void rest() { watching_ = false; }

  /// The guard's thread: never returns, and ends the process with a fault where it must.
  [[noreturn]] void run();

 private:
  Outbox& outbox_;
  std::atomic<std::uint64_t> id_{0};
  std::atomic<Phase> phase_{Phase::start};
  std::atomic<bool> watching_{false};
};

}  // namespace sweetspot::worker
