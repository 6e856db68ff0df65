// The computer itself: what a reader needs a year later to understand a result (R43).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/reading.hpp"
#include "core/run.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

struct MachineOptions {
  kernel::FileTree tree = kernel::default_tree();
  std::vector<std::string> environment;  ///< NAME=value; process_environment() for our own
};

/// Our own environment. Not safe against a concurrent setenv.
std::vector<std::string> process_environment();

/// Memory total and available are capped by the cgroups we are in, every ancestor included (R19).
/// Of the environment only variables that change how llama.cpp runs are kept, sorted.
Machine read_machine(const MachineOptions& options);

/// Bytes of the processor's last-level caches together: weights that fit are not read from memory
/// each time. Absent where sysfs lists no caches (macOS, some virtual machines).
Reading<std::uint64_t> last_level_cache_bytes(
    const kernel::FileTree& tree = kernel::default_tree());

/// read_machine() of this machine and process.
Machine this_machine();

}  // namespace sweetspot::devices
