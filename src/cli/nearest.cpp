#include "cli/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace sweetspot::cli {
namespace {

bool same_but_for_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Rows of the table: before the last one, the last one, this one.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongestWord = 64;  // nobody mistypes more, and the table stays small
  if (word.size() > kLongestWord) return std::nullopt;
  constexpr std::size_t kFewLetters = 2;
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  const std::size_t most = letters <= kFewLetters ? 1 : std::max<std::size_t>(2, letters / 3);
  for (const std::string& candidate : candidates) {
    if (same_but_for_case(word, candidate)) return candidate;
  }
  const std::string* best = nullptr;
  std::size_t least = most + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance >= least) continue;
    least = distance;
    best = &candidate;
  }
  // "--ctx" is far from "--ctx-size", and means it.
  for (const std::string& candidate : candidates) {
    const bool begins = letters > kFewLetters && candidate.starts_with(word);
    if (begins &&
        (best == nullptr || !best->starts_with(word) || candidate.size() < best->size())) {
      best = &candidate;
    }
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

std::string did_you_mean(const std::optional<std::string>& meant, const std::string& see) {
  return meant ? fmt::format("did you mean {} ({})", *meant, see) : see;
}

}  // namespace sweetspot::cli
