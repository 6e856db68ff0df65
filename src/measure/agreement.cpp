#include "measure/agreement.hpp"

#include <vector>

#include "measure/statistics.hpp"

namespace sweetspot::measure {

Reading<double> agreement(std::span<const float> reference, std::span<const float> logits) {
  const std::vector<double> expected(reference.begin(), reference.end());
  const std::vector<double> actual(logits.begin(), logits.end());
  return pearson(expected, actual);
}

}  // namespace sweetspot::measure
