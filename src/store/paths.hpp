// A path in a sentence, and the folder it lies in. Private to this room.
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

/// "." for a plain name.
inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace sweetspot::store
