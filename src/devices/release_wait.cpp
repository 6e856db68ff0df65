#include "devices/release_wait.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace sweetspot::devices {
namespace {

bool is_back(const Reading<std::uint64_t>& free_bytes, const ReleaseGoal& goal) {
  // free + tolerance could wrap, baseline - tolerance could go below zero: compare without either.
  return free_bytes && (*free_bytes >= goal.baseline_free_bytes ||
                        goal.baseline_free_bytes - *free_bytes <= goal.tolerance_bytes);
}

bool cancelled(const ReleaseWorld& world) { return world.cancelled && world.cancelled(); }

}  // namespace

std::string ReleaseResult::sentence() const {
  switch (release) {
    case Release::at_once:
      return "device memory was back at once";
    case Release::after_wait:
      return fmt::format("device memory returned after {:.0f} ms", waited_ms);
    case Release::did_not_return:
      return fmt::format("device memory did not return within {:.0f} ms", waited_ms);
    case Release::unreadable:
      return fmt::format("free device memory cannot be read ({})",
                         free_bytes ? "unknown" : free_bytes.reason());
    case Release::cancelled:
      break;
  }
  return "waiting for device memory was cancelled";
}

ReleaseWorld real_world(std::function<bool()> cancelled) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  ReleaseWorld world;
  world.now_ms = [] {
    return Milliseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  world.sleep_ms = [](double ms) { std::this_thread::sleep_for(Milliseconds(ms)); };
  world.cancelled = std::move(cancelled);
  return world;
}

ReleaseResult wait_for_release(const std::function<Reading<std::uint64_t>()>& read_free,
                               const ReleaseGoal& goal, const ReleaseWorld& world) {
  const double start = world.now_ms();
  const auto deadline = static_cast<double>(goal.deadline.count());
  const auto poll = static_cast<double>(std::max<std::int64_t>(goal.poll.count(), 1));
  ReleaseResult result;
  result.free_bytes = read_free();
  if (!result.free_bytes) return result;
  for (result.release = Release::at_once; !is_back(result.free_bytes, goal);
       result.release = Release::after_wait) {
    result.waited_ms = world.now_ms() - start;
    if (cancelled(world)) {
      result.release = Release::cancelled;
      return result;
    }
    if (result.waited_ms >= deadline) {
      result.release = Release::did_not_return;
      return result;
    }
    world.sleep_ms(std::min(poll, deadline - result.waited_ms));
    result.free_bytes = read_free();
  }
  result.waited_ms = world.now_ms() - start;
  return result;
}

}  // namespace sweetspot::devices
