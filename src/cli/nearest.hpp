// Did you mean.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sweetspot::cli {

/// Letters that must be added, taken away, replaced or swapped with their neighbour to make one of
/// the other (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that somebody who typed `word` may have meant: the same in another case, the
/// nearest by edit distance, or the shortest that `word` is the beginning of. Nothing where none is
/// near.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// "did you mean --ctx-size (see sweetspot profile --help)", or `see` alone where none is near.
std::string did_you_mean(const std::optional<std::string>& meant, const std::string& see);

}  // namespace sweetspot::cli
