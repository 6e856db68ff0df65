#include "page/texts.hpp"

#include <fmt/format.h>

#include "core/no_device.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::page {

double gib_of(std::uint64_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(kGiB);
}

std::string number(double value) { return fmt::format("{:.{}f}", value, value < 10 ? 2 : 1); }

std::optional<Estimate> per_second(const std::optional<Estimate>& ms) {
  return ms && ms->low > 0 ? std::optional(sweetspot::per_second(*ms)) : std::nullopt;
}

std::string with_interval(const Estimate& estimate) {
  return fmt::format("{} ({} to {})", number(estimate.value), number(estimate.low),
                     number(estimate.high));
}

std::string speed_of(const std::optional<Speed>& speed) {
  return speed ? with_interval(speed->tokens_per_second) : std::string(kNothing);
}

std::string trial_name(const Run& run, std::size_t index) {
  return fmt::format("trial {}: {}", index, name_of(run.results[index]));
}

}  // namespace sweetspot::page
