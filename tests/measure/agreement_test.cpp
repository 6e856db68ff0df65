#include "measure/agreement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

namespace sweetspot::measure {
namespace {

std::vector<float> some_logits(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(512);
  for (float& logit : logits) logit = static_cast<float>(random() % 20'000) / 1000.0F - 10.0F;
  return logits;
}

TEST(Agreement, OfRoundedLogitsIsNearlyOne) {
  const auto reference = some_logits(1);
  auto rounded = reference;
  for (std::size_t i = 0; i < rounded.size(); ++i) rounded[i] += i % 2 == 0 ? 0.05F : -0.05F;
  EXPECT_GT(agreement(reference, rounded).value(), 0.99);
}

TEST(Agreement, OfShuffledLogitsIsFarBelowTheThreshold) {
  const auto reference = some_logits(1);
  auto shuffled = reference;
  std::reverse(shuffled.begin(), shuffled.end());
  EXPECT_LT(agreement(reference, shuffled).value(), kMinimumAgreement / 2);
}

TEST(Agreement, WithANanIsAbsent) {
  const auto reference = some_logits(1);
  auto broken = reference;
  broken[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(agreement(reference, broken));
}

}  // namespace
}  // namespace sweetspot::measure
