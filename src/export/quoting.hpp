// Text that nobody vouches for, in the grammars of other programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::exporting {

/// One word for a program that reads as any POSIX shell does: as it is where nothing in it means
/// anything to a shell, else in single quotes.
std::string shell_word(std::string_view text);

/// shell_word() for a line that somebody will see and paste. In quotes a shell takes anything, but
/// the terminal gets it first: a control character in a pasted line ends it or deletes what came
/// before, and the rest becomes a command. What is not printable is written as $'...', which bash,
/// zsh, ksh and busybox read (POSIX since 2024) and dash does not.
std::string pasted_word(std::string_view text);

/// A double-quoted YAML scalar on one line. `text` is UTF-8.
std::string yaml_string(std::string_view text);

/// `name` as an identifier that no grammar here reads anything into: letters, digits, "._-" and
/// what lies beyond ASCII stay, every run of other characters becomes one "-". Never empty. `name`
/// is UTF-8.
std::string plain_id(std::string_view name);

/// Each note as a comment line: `lead`, a space, the note with a full stop.
std::string comment_lines(std::string_view lead, const std::vector<std::string>& notes);

}  // namespace sweetspot::exporting
