// What llama.cpp and its libraries print when they fail, and what it means. Pure text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace sweetspot {

/// What a printed line gives away.
struct Finding {
  FailureClass failure_class = FailureClass::crashed;
  std::string message;  ///< one clause, safe for a terminal
};

/// The strongest clue in what was printed during `phase`, or nothing. Pure.
std::optional<Finding> find_clue(std::string_view printed, Phase phase);

/// The sentence a library left before it gave up: a failed assertion, an abort, the text of an
/// uncaught exception. Without folders, escaped and cut; empty where there is none.
std::string last_words(std::string_view printed);

/// The last line that is not empty, escaped and cut.
std::string last_line(std::string_view printed);

/// Without what the C++ library says of itself ("basic_string::substr: __pos (which is 3) > ..."),
/// which says nothing to a user: what stands before it stays. Pure.
std::string plain_words(std::string_view text);

}  // namespace sweetspot
