// Enums that reach JSON, flags or sentences: one table of names each, read in both directions. It
// stands beside its enum: constexpr EnumNames<Enum, N> names_of(Enum).
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sweetspot {

template <typename Enum, std::size_t N>
using EnumNames = std::array<std::pair<Enum, std::string_view>, N>;

/// An enum with a table of names.
template <typename Enum>
concept Named = std::is_enum_v<Enum> && requires(Enum value) {
  names_of(value);
};

/// "unknown" for a number that is none of the enumerators.
template <Named Enum>
constexpr std::string_view to_string(Enum value) {
  for (const auto& [known, name] : names_of(value)) {
    if (known == value) return name;
  }
  return "unknown";
}

template <Named Enum>
constexpr std::optional<Enum> from_string(std::string_view text) {
  for (const auto& [value, name] : names_of(Enum{})) {
    if (name == text) return value;
  }
  return std::nullopt;
}

}  // namespace sweetspot
