#include "launch/limits.hpp"

#include <algorithm>

namespace sweetspot::launch {

double load_seconds_for(std::uint64_t model_bytes) {
  constexpr double kBaseSeconds = 60;
  constexpr double kBytesPerSecond = 20e6;
  return kBaseSeconds + static_cast<double>(model_bytes) / kBytesPerSecond;
}

double total_seconds(const Limits& limits, std::size_t rungs) {
  if (limits.total_seconds > 0) return limits.total_seconds;
  const double one = limits.load_seconds + limits.probe_seconds + limits.stop_seconds;
  return one * static_cast<double>(std::max<std::size_t>(rungs, 1));
}

Share next_share(const Limits& limits, std::size_t rungs, double elapsed_seconds,
                 std::size_t rungs_left) {
  const double rest = total_seconds(limits, rungs) - elapsed_seconds;
  const double share = rest / static_cast<double>(std::max<std::size_t>(rungs_left, 1));
  const double wanted = limits.load_seconds + limits.probe_seconds;
  if (share >= wanted) return {limits.load_seconds, limits.probe_seconds};
  const double scale = share / wanted;
  return {limits.load_seconds * scale, limits.probe_seconds * scale};
}

}  // namespace sweetspot::launch
