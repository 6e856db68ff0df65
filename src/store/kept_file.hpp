// What every file has in common that is kept between commands and changed by several processes.
// Internal to this room.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "ground/bytes.hpp"
#include "store/durable_file.hpp"

namespace sweetspot::store {

/// What lies at a path.
enum class KeptState { none, whole, damaged, newer, unreadable };

struct KeptText {
  KeptState state = KeptState::none;
  std::string text;  ///< where it is whole, as far as can be told without reading it
  std::string why;   ///< where it is damaged or cannot be read
};

/// Real ones have some ten thousand.
inline constexpr std::size_t kMaxKeptBytes = 16 * kMiB;

/// Never waits, and takes any file. Of a file with more than `most_bytes` nothing is read.
KeptText read_kept(const std::string& path, std::size_t most_bytes = kMaxKeptBytes);

/// What a file is that names `schema`, for a program that knows `current`, "sweetspot.x/1": whole,
/// newer, or damaged where it is no such file at all. The first versions are the current ones;
/// older ones would be brought up to them in memory.
KeptState state_of_schema(std::string_view schema, std::string_view current);

/// write_atomically() with the remedy of a file that nobody named on a command line. Removes what
/// writers left that were killed between making their temporary file and renaming it
/// (os/new_file.cpp); those of the living are theirs. To be called under the folder's lock.
Status write_kept(const std::string& path, std::string_view text, const FileCalls& calls);

}  // namespace sweetspot::store
