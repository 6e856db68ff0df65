// A series of times that statistics may trust: checked once, when it is made.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::measure {

inline constexpr double kMsPerSecond = 1000;

/// Longest time that is taken seriously: 30 years in milliseconds. Keeps squares and sums finite.
inline constexpr double kLongestTime = 1e12;

/// At least one value, every value finite, not negative and at most kLongestTime. Immutable; order
/// of arrival is kept. Unit: whatever the values are in, in this program milliseconds per token.
class SampleSet {
 public:
  /// Error (kind internal) names the first bad value, or says that there is none at all.
  static Result<SampleSet> make(std::vector<double> values);

  [[nodiscard]] std::size_t size() const { return values_.size(); }

  /// In order of arrival.
  [[nodiscard]] std::span<const double> values() const { return values_; }

  /// Ascending.
  [[nodiscard]] std::span<const double> sorted() const { return sorted_; }

  /// Without the first `count`; the last value always stays.
  [[nodiscard]] SampleSet without_first(std::size_t count) const;

 private:
  explicit SampleSet(std::vector<double> values);

  std::vector<double> values_;
  std::vector<double> sorted_;
};

/// Whether a SampleSet accepts this value.
bool is_valid_sample(double value);

}  // namespace sweetspot::measure
