// The difference of two looks at a counter that can start again.
#pragma once

#include <cstdint>
#include <optional>

namespace sweetspot::devices {

/// What was counted between two looks; nothing where the counter started again at zero and what
/// came before that is lost. One that fell from the last quarter of 32 bits to the first has
/// wrapped.
inline std::optional<std::uint64_t> counted(std::uint64_t before, std::uint64_t after) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32U;
  constexpr std::uint64_t kQuarter = kWrap / 4;
  if (after >= before) return after - before;
  if (before < kWrap && before >= kWrap - kQuarter && after < kQuarter) {
    return kWrap - before + after;
  }
  return std::nullopt;
}

}  // namespace sweetspot::devices
