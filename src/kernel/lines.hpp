// Text of /proc and /sys in pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace sweetspot::kernel {

/// Without the ends; an empty text has none.
std::vector<std::string_view> lines_of(std::string_view text);

/// The parts between separators; of "a,,b" the empty one too, of "" one.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The parts between runs of blanks.
std::vector<std::string_view> words_of(std::string_view text);

/// A whole unsigned number; nothing where the text is anything else.
std::optional<std::uint64_t> number_of(std::string_view text);

/// "0-3,8" as 0 1 2 3 8, ascending; empty where it is no such list.
std::vector<int> cpu_list(std::string_view text);

}  // namespace sweetspot::kernel
