// A limit to what this process itself may take, so that nothing a peer says can fill the machine.
#pragma once

#include <cstdint>

#include "ground/bytes.hpp"

namespace sweetspot::process {

/// Many times what the supervisor was ever seen to need.
inline constexpr std::uint64_t kOwnMemoryBytes = 4 * kGiB;

/// From now on a request for more memory than that fails (std::bad_alloc) instead of filling the
/// machine. What start_process() starts is free of it. Nothing where a lower limit is set already,
/// and in builds with sanitizers, which need far more. Call it once, before other threads start.
void limit_own_memory();

/// Async-signal-safe: gives the limit back that was there before. For a child, before exec.
void restore_memory_limit() noexcept;

}  // namespace sweetspot::process
