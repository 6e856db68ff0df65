// Machines and models drawn from wide but believable ranges.
#pragma once

#include <cstdint>
#include <optional>

#include "machine/parts.hpp"

namespace sweetspot::fake {

struct Wish {
  std::optional<bool> linear = std::nullopt;  ///< with or without a Quirk; nothing = 1 in 5 has one
};

/// A computer (laptop, desktop, server, integrated graphics, a device over RPC) and a model that
/// may or may not fit it (a fifth to four times the device's memory). Same seed, same pair.
Parts random_pair(std::uint64_t seed, const Wish& wish = {});

}  // namespace sweetspot::fake
