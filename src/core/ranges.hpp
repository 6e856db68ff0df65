// What a number that somebody else says may be: a worker, a server, a file, a driver. Each bound is
// far beyond what exists and far below what would overflow a sum or fill this machine.
#pragma once

#include <cstdint>
#include <limits>

namespace sweetspot {

/// Both ends are allowed.
template <typename T>
struct Range {
  T low = 0;
  T high = 0;
};

inline constexpr Range<std::uint64_t> kPlausibleBytes = {0, std::uint64_t{1} << 50U};  // 1 PiB
inline constexpr Range<std::uint64_t> kPlausibleParameters = {0, std::uint64_t{1} << 53U};
/// llama.cpp itself refuses more than 512 (LLAMA_MAX_LAYERS).
inline constexpr Range<int> kPlausibleBlocks = {0, 4096};
inline constexpr Range<int> kPlausibleWidth = {0, 1 << 24};  // of embeddings, feed-forwards, heads
inline constexpr Range<int> kPlausibleVocabulary = {0, 1 << 26};
inline constexpr Range<int> kPlausibleExperts = {0, 1 << 16};
/// Tokens of a context that is there; the longest that a model was trained for is about 10 million.
inline constexpr Range<std::uint32_t> kPlausibleTokens = {0, std::uint32_t{1} << 30U};
/// A file may state any number here, since no context of that length is made.
inline constexpr Range<int> kStatedTokens = {0, std::numeric_limits<int>::max()};
inline constexpr Range<int> kPlausibleThreads = {0, 1 << 16};
/// Of one decode or one wait: eleven days.
inline constexpr double kMostPlausibleMs = 1e9;

/// What a driver tells of one card.
inline constexpr double kMostPlausibleWatts = 10000;
inline constexpr double kMostPlausibleMegahertz = 20000;
inline constexpr double kMostPlausibleCelsius = 200;

template <typename T>
constexpr bool holds(const Range<T>& range, T value) {
  return range.low <= value && value <= range.high;
}

}  // namespace sweetspot
