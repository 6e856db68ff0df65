#include "worker/next_token.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace sweetspot::worker {
namespace {

double divergence_at(std::span<const float> reference, std::span<const float> current) {
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double log_p = reference[i];
    sum += std::exp(log_p) * (log_p - static_cast<double>(current[i]));
  }
  return std::max(sum, 0.0);
}

std::ptrdiff_t top_of(std::span<const float> row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

}  // namespace

void NextTokens::add(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  const double sum =
      std::accumulate(logits.begin(), logits.end(), 0.0, [&](double so_far, float logit) {
        return so_far + std::exp(static_cast<double>(logit) - largest);
      });
  const double log_sum = largest + std::log(sum);
  for (const float logit : logits) {
    log_probabilities.push_back(static_cast<float>(static_cast<double>(logit) - log_sum));
  }
}

Divergence divergence_of(const NextTokens& reference, const NextTokens& current) {
  const std::size_t count = reference.positions();
  std::vector<double> each(count);
  std::size_t same = 0;
  for (std::size_t i = 0; i < count; ++i) {
    each[i] = divergence_at(reference.row(i), current.row(i));
    if (top_of(reference.row(i)) == top_of(current.row(i))) ++same;
  }
  std::sort(each.begin(), each.end());
  const auto n = static_cast<double>(count);
  const auto rank = static_cast<std::size_t>(std::ceil(0.99 * n));
  return {std::accumulate(each.begin(), each.end(), 0.0) / n, each[rank - 1], each.back(),
          static_cast<double>(same) / n};
}

}  // namespace sweetspot::worker
