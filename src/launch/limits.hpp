// How long things may take, so that the whole is bounded (R42). Pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sweetspot::launch {

struct Limits {
  double load_seconds = 60;   ///< of one start, until it is healthy; see load_seconds_for()
  double probe_seconds = 60;  ///< of the requests after that
  double total_seconds = 0;   ///< from the first start until something is healthy; 0 = the sum
  double stop_seconds = 10;   ///< from asking a program to end until it is ended
  double drain_seconds = 30;  ///< for requests under way when the profile changes
};

/// A minute, and the file at 20 MB/s: a cold disk over a slow network.
double load_seconds_for(std::uint64_t model_bytes);

/// All that `rungs` starts may take together.
double total_seconds(const Limits& limits, std::size_t rungs);

/// What the next start may take when `elapsed_seconds` are gone and `rungs_left` (with this one)
/// must still fit into the rest. 0 or less: the time is up.
struct Share {
  double load_seconds = 0;
  double probe_seconds = 0;
};
Share next_share(const Limits& limits, std::size_t rungs, double elapsed_seconds,
                 std::size_t rungs_left);

}  // namespace sweetspot::launch
