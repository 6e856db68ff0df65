// Text taken to pieces. What is returned as a view lives as long as the text it was taken from.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace sweetspot {

inline constexpr std::string_view kBlanks = " \t\r\n";

/// Without the blanks at both ends.
std::string_view trimmed(std::string_view text, std::string_view blanks = kBlanks);

/// The parts between separators; of "a,,b" the empty one too, of "" one.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Without their ends; an empty text has none.
std::vector<std::string_view> lines_of(std::string_view text);

/// The parts between runs of spaces and tabs.
std::vector<std::string_view> words_of(std::string_view text);

/// The number that is all of the text, as std::from_chars reads it; nothing where the text is
/// anything else, or the number does not fit.
template <typename Number = std::uint64_t>
std::optional<Number> number_of(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

/// The same of a whole number in hexadecimal digits, without "0x".
template <std::unsigned_integral Number = std::uint64_t>
std::optional<Number> hex_number_of(std::string_view text) {
  Number value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace sweetspot
