// Symbolic links on the way to a file that is to be written. Internal to this room.
#pragma once

#include <string>

namespace sweetspot::store {

struct Followed {
  /// The file that is there, without a link in its path; empty where there is none.
  std::string path;
  /// A link on the way that must not be followed; empty where there is none. Nothing beyond it was
  /// looked at.
  std::string foreign_link;
};

/// Follows `path` as the kernel would, which refuses (fs.protected_symlinks) a link in a sticky
/// folder that everybody may write to, such as /tmp, unless it is ours or the folder's owner made
/// it: anybody can put one there and choose what is written over. The kernel is not asked about the
/// links before the last one and may be told not to care, so each is judged here.
Followed follow(const std::string& path);

}  // namespace sweetspot::store
