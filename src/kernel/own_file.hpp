// Where the program that runs lies, also where another program started it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/file_tree.hpp"

namespace sweetspot::kernel {

/// The file that `address` is mapped from, of a text like /proc/self/maps; "" where none is.
std::string file_at(std::string_view maps, std::uint64_t address);

/// Folder of the file that holds this code; "" where the kernel does not tell. Not that of
/// /proc/self/exe, which names the dynamic loader where one started us (docs/decisions/bundle.md).
std::string own_folder(const FileTree& tree = FileTree{});

}  // namespace sweetspot::kernel
