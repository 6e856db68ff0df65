// Device memory comes back a moment after the process that held it is gone (R8). Waits for a level,
// never for a rise: memory that is already back must not cost a wait. Pure; clock and sleep are
// given.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "core/reading.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::devices {

struct ReleaseGoal {
  std::uint64_t baseline_free_bytes = 0;      ///< free before the first trial
  std::uint64_t tolerance_bytes = 64 * kMiB;  ///< free may stay this much below
  std::chrono::milliseconds deadline{3000};
  std::chrono::milliseconds poll{50};
};

/// How the memory came back, or did not.
enum class Release { at_once, after_wait, did_not_return, unreadable, cancelled };

struct ReleaseResult {
  Release release = Release::unreadable;
  double waited_ms = 0;
  Reading<std::uint64_t> free_bytes;  ///< the last reading

  /// One clause for a trial's notes: "device memory returned after 850 ms".
  [[nodiscard]] std::string sentence() const;
};

/// The world the wait happens in. The defaults are the steady clock and a real sleep.
struct ReleaseWorld {
  std::function<double()> now_ms;
  std::function<void(double ms)> sleep_ms;
  std::function<bool()> cancelled;  ///< may be empty
};

/// Real clock and sleep, with `cancelled` looked at between polls.
ReleaseWorld real_world(std::function<bool()> cancelled = {});

/// Returns once read_free() >= baseline - tolerance, or at the deadline. Where the first reading is
/// absent nothing is waited for; one that becomes absent later counts as not there yet.
ReleaseResult wait_for_release(const std::function<Reading<std::uint64_t>()>& read_free,
                               const ReleaseGoal& goal, const ReleaseWorld& world);

}  // namespace sweetspot::devices
