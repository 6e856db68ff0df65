// A path in a sentence. Private to this room.
#pragma once

#include <cstddef>
#include <string>

#include "core/text.hpp"

namespace sweetspot::store {

/// Short enough to read, without control characters.
inline std::string shown(const std::string& path) {
  constexpr std::size_t kMaxShownPath = 400;
  return printable(path, kMaxShownPath);
}

}  // namespace sweetspot::store
