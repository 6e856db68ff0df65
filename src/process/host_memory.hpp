// How much memory a process has taken, and whom the kernel ended for want of it. What the machine
// can still give is kernel/memory.hpp's.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sweetspot::process {

/// Where the kernel tells; tests point it at files of their own.
struct MemoryFiles {
  std::string proc = "/proc";
};

/// Resident set of a process.
std::optional<std::uint64_t> resident_bytes(pid_t pid, const MemoryFiles& files = {});

/// How many processes the kernel's out-of-memory killer has ended since boot.
std::optional<std::uint64_t> oom_kill_count(const MemoryFiles& files = {});

}  // namespace sweetspot::process
