// Numbers and names as a page shows them. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/reading.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"

namespace sweetspot::page {

/// What stands for a value that is not there.
inline constexpr std::string_view kNothing = "-";

double gib_of(std::uint64_t bytes);

/// "35.2", "8.21": three digits or more.
std::string number(double value);

/// Milliseconds per token as tokens per second; nothing where there are none.
std::optional<Estimate> per_second(const std::optional<Estimate>& ms);

/// "35.2 (34.9 to 35.5)".
std::string with_interval(const Estimate& estimate);

std::string speed_of(const std::optional<Speed>& speed);

template <typename T, typename Show>
std::string shown(const Reading<T>& reading, Show&& show) {
  return reading ? std::string(show(*reading)) : std::string(kNothing);
}

/// "trial 3: 12 layers".
std::string trial_name(const Run& run, std::size_t index);

}  // namespace sweetspot::page
