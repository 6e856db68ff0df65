// What two loads of one config differ by.
#pragma once

namespace sweetspot {

/// What two loads of one config differ by though nothing has changed, as a standard deviation of
/// the logarithm of a speed: the mixture that the search believes (kBetweenLoads of
/// search/time_model.cpp). No interval of what was measured on one load shows it.
inline constexpr double kBetweenLoads = 0.015;

}  // namespace sweetspot
