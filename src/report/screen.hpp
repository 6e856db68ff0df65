// What the last screens of all commands are made of: the answer, the command to type, alternatives,
// doubts and the next step, in as many lines as a terminal shows at once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/table.hpp"

namespace sweetspot::report {

/// Lines of a screen: those of the smallest terminal that people use.
inline constexpr int kScreenLines = 24;

/// The answer: one sentence or two, in bold on a terminal, wrapped without an indent.
std::string answer_text(std::string_view text, const Style& style);

/// A sentence, wrapped without an indent.
std::string sentence_text(std::string_view text, const Style& style);

/// A command to copy: each word is an option with its value, quoted for a shell. Set in by two
/// columns; where it is longer than a line it goes on behind a backslash. Never cut. Empty without
/// words.
std::string command_text(const std::vector<std::string>& words, const Style& style);

/// "! note" for each, wrapped, in at most `lines` lines together: those that do not fit are
/// counted in the last one.
std::string doubts_text(const std::vector<std::string>& notes, int lines, const Style& style);

/// Two texts on one line, the second at its end; below each other where they do not fit.
std::string two_ends(std::string_view left, std::string_view right, const Style& style);

/// Newlines in `text`.
int lines_in(std::string_view text);

/// The parts that are not empty, an empty line between them.
std::string parted(const std::vector<std::string>& parts);

}  // namespace sweetspot::report
