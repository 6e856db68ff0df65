#include "measure/sample_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sweetspot::measure {

bool is_valid_sample(double value) { return value >= 0 && value <= kLongestTime; }

Result<SampleSet> SampleSet::make(std::vector<double> values) {
  if (values.empty()) return error(ErrorKind::internal, "a sample set needs at least one sample");
  const auto bad = std::find_if_not(values.begin(), values.end(), is_valid_sample);
  if (bad != values.end()) {
    return error(ErrorKind::internal,
                 fmt::format("sample {} is not a time: {}", bad - values.begin(), *bad));
  }
  return SampleSet(std::move(values));
}

SampleSet::SampleSet(std::vector<double> values) : values_(std::move(values)), sorted_(values_) {
  std::sort(sorted_.begin(), sorted_.end());
}

SampleSet SampleSet::without_first(std::size_t count) const {
  const std::size_t cut = std::min(count, values_.size() - 1);
  return SampleSet({values_.begin() + static_cast<std::ptrdiff_t>(cut), values_.end()});
}

}  // namespace sweetspot::measure
