// Time as samples carry it.
#pragma once

#include <chrono>

namespace sweetspot::answering {

/// Milliseconds of the system's monotonic clock; comparable between processes of one machine on
/// Linux.
inline double now_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace sweetspot::answering
