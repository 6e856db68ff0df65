// Which layer counts to try: what a user typed, or lists that fit the model.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::cli {

/// Most counts one list may name, ranges spelled out.
inline constexpr std::size_t kMaxRequests = 1000;

/// Largest count that can be asked for; far above any model.
inline constexpr int kMaxLayers = 100'000;

/// "0,8,16,-1" and llama-bench's ranges "0-4" (by one), "0-32+8" (by eight), "1-32*2" (doubling;
/// from 0 the next is 1). -1 means all and is kept as -1. Order and repetitions are kept. Errors
/// are of kind usage, quote the entry, and name --layers and what it takes.
Result<std::vector<int>> parse_layer_list(std::string_view text);

/// The note's quick list (0, 20, 35, 43 of 43) scaled to `offloadable` and rounded; ascending, each
/// count once, always with 0 and `offloadable` (0 alone where that is 0 or less).
std::vector<int> quick_layers(int offloadable);

/// The same of the note's full list (0, 10, 20, 30, 35, 40, 43 of 43).
std::vector<int> full_layers(int offloadable);

}  // namespace sweetspot::cli
