// Runs and plans without what tells who made them and where.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::page {

/// `text` without absolute paths, UUIDs, network addresses (but loopback) and `words`, which are
/// replaced where they stand as whole words.
std::string without_traces(std::string_view text, const std::vector<std::string>& words);

/// The text of a run or plan as the same document: models by their file's name alone, no folders,
/// no UUIDs, no addresses, no values of environment variables, no times and numbers of files, none
/// of `words` (names of users and hosts). Speeds, samples, memory, and what kind of machine it was
/// stay. Error: it is no JSON.
Result<std::string> shared(std::string_view text, const std::vector<std::string>& words);

}  // namespace sweetspot::page
