// Time per token as a function of what a config moves where: a line, and honest doubt about it.
//
// y = basis . beta + g(position) + e. The coefficients beta have a wide Gaussian prior; g is a
// Gaussian process (Matern 3/2, length kDeviationLength) that stands for everything the line does
// not know; e is the trial's own error and what two loads of one config differ by. The size of g
// and the spread between loads are not fixed: both are averaged over a grid, weighted by how well
// each explains what was measured (Rasmussen and Williams 2006, sections 2.7 and 5.4). Where time
// is not linear the weight moves to a large g, and predictions become as wide as they should be.
// docs/search.md says what the coefficients mean and where the model fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/trial.hpp"

namespace sweetspot::search {

/// How one config looks to the model. All configs of a model have vectors of the same lengths.
struct Features {
  std::vector<double> basis;     ///< what time is linear in; no unit
  std::vector<double> position;  ///< neighbours deviate from the line alike; each axis about 0..1
};

/// What was measured of one config.
struct Observation {
  Features at;
  double ms = 0;     ///< per token
  double sd_ms = 0;  ///< one standard deviation of the measurement itself
  /// Trials of one load share what that load differs by; those without a number share it with none.
  std::optional<std::size_t> load = std::nullopt;
};

/// A number with one standard deviation.
struct Coefficient {
  double value = 0;
  double sd = 0;
};

struct TimePrior {
  std::vector<Coefficient> beta;  ///< of each basis function, ms
  double scale_ms = 1;            ///< what sizes of deviation are shares of
};

/// One standard deviation, of a 95 % interval.
inline double sd_of(const Estimate& estimate) {
  return (estimate.high - estimate.low) / (2 * 1.96);
}

/// Distance over which deviations from the line die out, in units of `position`.
inline constexpr double kDeviationLength = 0.3;

/// Deviations of more than this share of the scale mean that time is not linear.
inline constexpr double kLinearDeviation = 0.05;

/// Immutable, thread safe.
class TimeModel {
 public:
  /// Works with any number of observations, none included. `points` are the configs that may be
  /// asked about later, by index.
  static TimeModel fit(const TimePrior& prior, const std::vector<Observation>& observations,
                       const std::vector<Features>& points);

  /// Time per token of one load of points[index], with its 95 % interval; never below 0.
  [[nodiscard]] Estimate predict(std::size_t index) const;

  /// `count` possible worlds: ms per token of every point, [world][point]. The same for equal
  /// seeds.
  [[nodiscard]] std::vector<std::vector<double>> draw(std::size_t count, std::uint64_t seed) const;

  /// The same of some points alone, [world][k] for points[indexes[k]].
  [[nodiscard]] std::vector<std::vector<double>> draw(
      std::size_t count, std::uint64_t seed, const std::vector<std::size_t>& indexes) const;

  [[nodiscard]] const std::vector<Coefficient>& coefficients() const;

  /// Expected size of the deviation from the line, as a share of the scale.
  [[nodiscard]] double deviation() const;

  /// Expected spread between loads of one config, as a share of its time.
  [[nodiscard]] double between_loads() const;

  /// Probably within kLinearDeviation of the line.
  [[nodiscard]] bool is_linear() const;

 private:
  struct State;
  explicit TimeModel(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace sweetspot::search
