// How much memory this machine can still give, and how much a process has taken.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sweetspot::process {

/// Where the kernel tells; tests point it at files of their own.
struct MemoryFiles {
  std::string proc = "/proc";
  std::string cgroup = "/sys/fs/cgroup";  ///< cgroup v2
};

/// Bytes that can be allocated before something is swapped out or killed: MemAvailable, or less
/// where a cgroup above this process is limited (memory.max - memory.current + file cache, which is
/// given back first). Nothing where MemAvailable cannot be read.
std::optional<std::uint64_t> available_host_bytes(const MemoryFiles& files = {});

/// Resident set of a process.
std::optional<std::uint64_t> resident_bytes(pid_t pid, const MemoryFiles& files = {});

/// How many processes the kernel's out-of-memory killer has ended since boot.
std::optional<std::uint64_t> oom_kill_count(const MemoryFiles& files = {});

}  // namespace sweetspot::process
