// The one way this program puts a file on disk (R37, R38): a reader sees the old text or the new
// text, never a part, and what was reported as written survives a power loss.
#pragma once

#include <string>
#include <string_view>

#include "core/error.hpp"
#include "os/new_file.hpp"

namespace sweetspot::store {

using os::FileCalls;
using os::system_file_calls;

/// Makes the folder and those above it where they are missing. Errors are of kind output.
Status make_folder(const std::string& folder);

/// Proves, before anything is measured, that `path` can be written: its folder exists, a temporary
/// file can be made there, and `path` is not something that must not be replaced (a folder, a
/// socket). Leaves nothing behind. Errors are of kind output and name the path and what to do.
Status check_writable(const std::string& path);

/// Replaces `path` with `text`: temporary file in the same folder, write, fsync, rename, fsync of
/// the folder. The temporary file is removed on every error, and `path` then holds what it held
/// before; the one exception is a failing fsync of the folder, whose message says that the file is
/// there. A symbolic link is followed, but for one that another user made in a sticky folder that
/// everybody may write to: that is refused. Permissions of an existing file are kept, a character
/// device (/dev/null) is written in place. Errors are of kind output. Thread safe.
Status write_atomically(const std::string& path, std::string_view text,
                        const FileCalls& calls = system_file_calls());

}  // namespace sweetspot::store
