// Does a configuration compute what the reference configuration computes (R14)?
#pragma once

#include <span>

#include "core/reading.hpp"

namespace sweetspot::measure {

/// Logits that agree less than this are another model's. Rounding on another backend or a quantized
/// K/V cache leaves the correlation above 0.99; logits of wrong or shuffled weights, over hundreds
/// of vocabulary entries, lie within a few hundredths of 0. The line is drawn far from both.
inline constexpr double kMinimumAgreement = 0.9;

/// Pearson's correlation of two logit vectors over the same vocabulary positions, -1..1.
/// Absent with the reason where they cannot be compared (lengths differ, not finite, constant).
Reading<double> agreement(std::span<const float> reference, std::span<const float> logits);

}  // namespace sweetspot::measure
