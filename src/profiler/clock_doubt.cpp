#include "profiler/clock_doubt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "devices/sampler.hpp"
#include "profiler/disturbance.hpp"

namespace sweetspot::profiler {
namespace {

bool is_explained(const Telemetry& telemetry) {
  if (!telemetry.throttle_reasons) return false;
  const std::vector<std::string>& reasons = *telemetry.throttle_reasons;
  return std::any_of(reasons.begin(), reasons.end(), counts_as_throttling);
}

}  // namespace

std::optional<std::string> clock_doubt(const Telemetry& telemetry) {
  const auto& clock = telemetry.graphics_clock_mhz;
  const auto& limit = telemetry.graphics_clock_limit_mhz;
  const auto& use = telemetry.utilisation_percent;
  if (!clock || !limit || !use || *use < devices::kBusyPercent || *limit <= 0) return std::nullopt;
  if (*clock > kLowClockShare * *limit || is_explained(telemetry)) return std::nullopt;
  return fmt::format(
      "Something is wrong with this machine: the card ran at {:.0f} of {:.0f} MHz though it was "
      "busy "
      "for {:.0f} % of the time, and {}. Speeds are far below what it can do: see whether somebody "
      "fixed its clocks (nvidia-smi -rgc frees them), look at its power cable and supply, and "
      "start "
      "the machine anew.",
      *clock, *limit, *use,
      telemetry.throttle_reasons ? "its driver names neither heat nor power"
                                 : "its driver does not say why");
}

}  // namespace sweetspot::profiler
