#include "report/numbers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

// Three figures, and every digit before the point.
int decimals_for(double value) {
  const double magnitude = std::abs(value);
  if (magnitude < 10) return 2;
  return magnitude < 100 ? 1 : 0;
}

// A single half-width would place the nearer end wrong by more than this share of the value.
bool is_skewed(const Estimate& estimate) {
  constexpr double kMostMisplaced = 0.05;
  const double up = estimate.high - estimate.value;
  const double down = estimate.value - estimate.low;
  return std::abs(up - down) > kMostMisplaced * std::abs(estimate.value);
}

// " (asked 35, -1)" where that says more than the effective number.
std::string asked_suffix(const Trial& trial) {
  const std::vector<int>& asked = trial.requested_layers;
  if (asked.empty() || (asked.size() == 1 && asked.front() == trial.layers)) return {};
  constexpr std::size_t kShown = 4;
  std::string list;
  for (std::size_t i = 0; i < std::min(asked.size(), kShown); ++i) {
    list += fmt::format("{}{}", i == 0 ? "" : ", ", asked[i]);
  }
  if (asked.size() > kShown) list += fmt::format(" and {} more", asked.size() - kShown);
  return fmt::format(" (asked {})", list);
}

}  // namespace

std::string number_text(double value) {
  if (!std::isfinite(value)) return kAbsent;
  return fmt::format("{:.{}f}", value, decimals_for(value));
}

std::string estimate_text(const Estimate& estimate) {
  if (!std::isfinite(estimate.value)) return kAbsent;
  const double half = std::max(estimate.high - estimate.value, estimate.value - estimate.low);
  if (!std::isfinite(half) || half < 0) return number_text(estimate.value);
  if (is_skewed(estimate)) return range_text(estimate);
  const int decimals = decimals_for(estimate.value);
  const double unit = std::pow(10.0, -decimals);
  // The tolerance keeps 0.3, stored as 0.30000000000000004, from becoming 0.4.
  constexpr double kTolerance = 1e-9;
  const double shown = std::ceil(std::max((half / unit) - kTolerance, 0.0)) * unit;
  return fmt::format("{:.{}f} {}{:.{}f}", estimate.value, decimals, plus_minus(), shown, decimals);
}

std::string range_text(const Estimate& estimate) {
  const int decimals = decimals_for(estimate.value);
  return fmt::format("{:.{}f} to {:.{}f}", estimate.low, decimals, estimate.high, decimals);
}

std::string speed_cell(const std::optional<Speed>& speed) {
  return speed ? estimate_text(speed->tokens_per_second) : std::string(kAbsent);
}

std::string percent_number(double percent) {
  if (!std::isfinite(percent)) return kAbsent;
  const int decimals = percent != 0 && std::abs(percent) < 9.95 ? 1 : 0;
  return fmt::format("{:.{}f}", percent, decimals);
}

std::string percent_text(double percent) { return percent_number(percent) + " %"; }

std::string layers_text(const Trial& trial) {
  if (uses_no_device(trial.config.placement)) return "CPU" + asked_suffix(trial);
  return std::to_string(trial.layers) + asked_suffix(trial);
}

std::string layers_in_words(const Trial& trial) {
  return placed_in_words(trial) + asked_suffix(trial);
}

std::string failure_tail(const Trial& trial) {
  if (!trial.failure) return "failed";
  if (trial.failure->failure_class == FailureClass::does_not_fit) {
    return fmt::format(
        "does not fit: {} missing",
        or_dash(trial.missing_bytes, [](std::uint64_t b) { return format_bytes(b); }));
  }
  return fmt::format("failed: {} ({})", to_string(trial.failure->failure_class),
                     to_string(trial.failure->phase));
}

std::string side_by_side(std::uint32_t n_parallel) {
  if (n_parallel < 2) return {};
  return fmt::format(", {} sequences side by side (tok/s of all together)", n_parallel);
}

std::string with_reason(const std::string& reason) {
  return reason.empty() ? std::string(kAbsent) : fmt::format("{} ({})", kAbsent, printable(reason));
}

}  // namespace sweetspot::report
