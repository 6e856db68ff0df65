// Opening a file to read, and reading from a place in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "os/descriptor.hpp"

namespace sweetspot::os {

/// Never waits: a FIFO would wait for a writer. Without a descriptor errno says why.
Descriptor open_to_read(const std::string& path);

/// Fills `bytes` from `offset` on, through interruptions. The number of bytes that were read, fewer
/// only where the file ends; -1 with errno where it cannot be read.
std::ptrdiff_t read_at(const Descriptor& file, std::uint64_t offset, std::span<std::byte> bytes);

}  // namespace sweetspot::os
