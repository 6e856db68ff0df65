#include "plan/ladder.hpp"

#include <cstdint>
#include <numeric>

namespace sweetspot::plan {
namespace {

constexpr int kParts = 8;

}  // namespace

std::vector<int> Ladder::next_rungs() const {
  const int open = enough_ - too_mild_ - 1;
  if (open <= kParts) {
    std::vector<int> all(static_cast<std::size_t>(open));
    std::iota(all.begin(), all.end(), too_mild_ + 1);
    return all;
  }
  // As long as no rung is known to be enough, the last part ends on the strongest.
  const bool none_yet = enough_ == rungs_;
  const int top = none_yet ? rungs_ - 1 : enough_;
  std::vector<int> parts;
  for (int part = 1; part < kParts + (none_yet ? 1 : 0); ++part) {
    parts.push_back(too_mild_ + static_cast<int>(std::int64_t{top - too_mild_} * part / kParts));
  }
  return parts;
}

void Ladder::tell(int rung, bool enough, const PlannedMemory& planned) {
  if (rung <= too_mild_ || rung >= enough_) return;
  if (!enough) {
    too_mild_ = rung;
    return;
  }
  enough_ = rung;
  planned_ = planned;
}

std::optional<int> Ladder::mildest() const {
  if (enough_ == rungs_) return std::nullopt;
  return enough_;
}

}  // namespace sweetspot::plan
