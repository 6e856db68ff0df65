#include "launch/adapt.hpp"

#include <algorithm>

namespace sweetspot::launch {

std::optional<std::size_t> Adapt::look(std::size_t running, std::optional<std::size_t> wanted,
                                       double now_seconds) {
  if (!wanted || *wanted == running) {
    down_since_ = -1;
    up_since_ = -1;
    return std::nullopt;
  }
  if (*wanted > running) {
    up_since_ = -1;
    if (down_since_ < 0) down_since_ = now_seconds;
    if (now_seconds - down_since_ < rules_.down_after_seconds) return std::nullopt;
    return wanted;
  }
  down_since_ = -1;
  if (up_since_ < 0) {
    up_since_ = now_seconds;
    up_to_ = *wanted;
  }
  up_to_ = std::max(up_to_, *wanted);
  if (now_seconds - up_since_ < up_after()) return std::nullopt;
  return up_to_;
}

void Adapt::moved(std::size_t from, std::size_t to, double now_seconds) {
  down_since_ = -1;
  up_since_ = -1;
  if (to < from) {
    moved_up_at_ = now_seconds;
    return;
  }
  if (moved_up_at_ < 0) return;
  const bool early = now_seconds - moved_up_at_ < rules_.early_factor * up_after();
  patience_ = early ? std::min(patience_ * 2, kMostPatience) : 1;
  moved_up_at_ = -1;
}

}  // namespace sweetspot::launch
