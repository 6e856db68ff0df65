#include "cli/layer_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string>

#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

constexpr int kAll = -1;
constexpr const char* kRemedy =
    "give counts and ranges, as in 0,8,16,-1 or 0-32+8 or 1-32*2 (-1 or all = all layers)";

constexpr int kNoteLayers = 43;
constexpr std::array<int, 4> kNoteQuick = {0, 20, 35, 43};
constexpr std::array<int, 7> kNoteFull = {0, 10, 20, 30, 35, 40, 43};

/// One entry of a list: a count is a range from itself to itself.
struct Range {
  int first = 0;
  int last = 0;
  char step_kind = '+';
  int step = 1;
};

tl::unexpected<Error> refuse(std::string_view entry, std::string_view why) {
  return error(ErrorKind::usage, fmt::format("--layers: '{}' {}", entry, why), kRemedy);
}

/// Takes a number off the front of `text`; nothing where there is none or it is above kMaxLayers.
std::optional<int> take_count(std::string_view& text) {
  int value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || value > kMaxLayers) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

/// "first", "first-last", "first-last+step", "first-last*factor".
Result<Range> parse_range(std::string_view entry) {
  const auto shown = fmt::format("is not a layer count (0 to {}, or -1) or a range", kMaxLayers);
  std::string_view rest = entry;
  Range range;
  const auto first = take_count(rest);
  if (!first) return refuse(entry, shown);
  range.first = range.last = *first;
  if (rest.empty()) return range;

  if (!take_char(rest, '-')) return refuse(entry, shown);
  const auto last = take_count(rest);
  if (!last) return refuse(entry, shown);
  range.last = *last;
  if (range.last < range.first) return refuse(entry, "runs backwards: ranges go up");
  if (rest.empty()) return range;

  range.step_kind = rest.front();
  if (!take_char(rest, '+') && !take_char(rest, '*')) return refuse(entry, shown);
  const auto step = take_count(rest);
  if (!step || !rest.empty()) return refuse(entry, shown);
  range.step = *step;
  if (range.step < (range.step_kind == '*' ? 2 : 1)) return refuse(entry, "never gets further");
  return range;
}

int next_in(const Range& range, int count) {
  if (range.step_kind == '+') return count + range.step;
  return count == 0 ? 1 : count * range.step;
}

/// Appends one entry; false where the list would grow beyond kMaxRequests.
bool append(std::vector<int>& counts, const Range& range) {
  // Both numbers are at most kMaxLayers, so no step or product can overflow in 64 bits; it is the
  // int that next_in returns that has to be kept in range, by stopping before the step is made.
  int count = range.first;
  while (true) {
    if (counts.size() == kMaxRequests) return false;
    counts.push_back(count);
    if (range.step_kind == '*' && count > range.last / range.step) return true;
    count = next_in(range, count);
    if (count > range.last) return true;
  }
}

std::vector<int> scaled(std::span<const int> note, int offloadable) {
  std::vector<int> counts;
  for (const int count : note) {
    const double share = static_cast<double>(count) / kNoteLayers;
    counts.push_back(static_cast<int>(std::lround(share * std::max(offloadable, 0))));
  }
  counts.erase(std::unique(counts.begin(), counts.end()), counts.end());
  return counts;
}

}  // namespace

Result<std::vector<int>> parse_layer_list(std::string_view text) {
  std::vector<int> counts;
  for (std::string_view rest = text;;) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view entry = trimmed(rest.substr(0, comma), " \t");
    if (entry == "-1" || entry == "all") {
      if (counts.size() == kMaxRequests) return refuse(entry, "is one count too many");
      counts.push_back(kAll);
    } else {
      const auto range = parse_range(entry);
      if (!range) return tl::unexpected(range.error());
      if (!append(counts, *range)) {
        return refuse(entry, fmt::format("makes more than {} counts", kMaxRequests));
      }
    }
    if (comma == rest.size()) return counts;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<int> quick_layers(int offloadable) { return scaled(kNoteQuick, offloadable); }

std::vector<int> full_layers(int offloadable) { return scaled(kNoteFull, offloadable); }

}  // namespace sweetspot::cli
