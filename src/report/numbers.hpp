// Numbers of a run as people read them. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot::report {

/// What stands for a value that is not there.
inline constexpr const char* kAbsent = "-";

/// A speed with as many decimals as help to compare: "8.21", "35.2", "152", "1523".
std::string number_text(double value);

/// "35.2 ±0.3": the wider half of the interval, rounded up in the decimals of the value, so that
/// the interval never looks tighter than it is. One whose halves differ much is range_text().
std::string estimate_text(const Estimate& estimate);

/// "93 to 136": the ends of the interval in the decimals of the value.
std::string range_text(const Estimate& estimate);

/// The same of a speed, "-" where it was not measured.
std::string speed_cell(const std::optional<Speed>& speed);

/// "76", one decimal below ten: "7.6".
std::string percent_number(double percent);

/// "76 %".
std::string percent_text(double percent);

/// "33", or "33 (asked 35, -1)" where requests differ from the effective number or are several;
/// "CPU" where no device takes part.
std::string layers_text(const Trial& trial);

/// The same with the word: "33 layers (asked 35, -1)", "the CPU alone".
std::string layers_in_words(const Trial& trial);

/// "failed: out-of-device-memory (load)".
std::string failure_tail(const Trial& trial);

/// ", 4 sequences side by side (tok/s of all together)"; empty for one.
std::string side_by_side(std::uint32_t n_parallel);

/// `format(value)`, or "-".
template <typename T, typename Format>
std::string or_dash(const Reading<T>& reading, Format&& format) {
  return reading.has_value() ? std::string(format(reading.value())) : std::string(kAbsent);
}

/// `format(value)`, or "- (reason)".
std::string with_reason(const std::string& reason);
template <typename T, typename Format>
std::string or_reason(const Reading<T>& reading, Format&& format) {
  return reading.has_value() ? std::string(format(reading.value())) : with_reason(reading.reason());
}

}  // namespace sweetspot::report
