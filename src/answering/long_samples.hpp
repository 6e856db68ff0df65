// A sample that took long is worth waiting a moment for the answer to it.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "answering/clock.hpp"

namespace sweetspot::answering {

/// So long: a prompt may take seconds on a processor. Shorter ones follow each other at once, so
/// that no device lowers its clocks.
inline constexpr double kLongSampleMs = 250;

/// Whoever reads the samples may have enough: waits up to 10 ms for `stopped`.
inline void wait_for_answer(const std::atomic<bool>& stopped) {
  constexpr double kAnswerMs = 10;
  constexpr std::chrono::milliseconds kPoll{1};
  const double until = now_ms() + kAnswerMs;
  while (!stopped && now_ms() < until) std::this_thread::sleep_for(kPoll);
}

}  // namespace sweetspot::answering
