// What this machine can still give a process of ours. The one reader of it: plans, choices, the
// library and the guard of a running worker all ask here.
#pragma once

#include <cstdint>

#include "core/reading.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::kernel {

struct HostMemory {
  Reading<std::uint64_t> total_bytes;
  /// That can be allocated before something is swapped out or killed (MemAvailable).
  Reading<std::uint64_t> available_bytes;
};

/// Both capped by the limits of the cgroups that we are in, of version 1 and 2, every ancestor
/// included (R19). What a group holds does not count where it is page cache: a mapped model counts
/// as the group's, but is given back first.
HostMemory host_memory(const FileTree& tree = default_tree());

}  // namespace sweetspot::kernel
