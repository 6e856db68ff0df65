#include "search/time_model.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace sweetspot::search {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

struct GridPoint {
  double share = 0;
  double weight = 0;
};

// Prior belief about the deviation from the line, and about the spread between loads. Chosen from
// curves of real machines: most are within 1 % of a line, one with two unlike devices is not.
constexpr std::array<GridPoint, 6> kDeviations = {
    {{0.002, 0.25}, {0.006, 0.25}, {0.02, 0.25}, {0.06, 0.13}, {0.2, 0.08}, {0.5, 0.04}}};
constexpr std::array<GridPoint, 4> kBetweenLoads = {
    {{0.002, 0.3}, {0.006, 0.4}, {0.015, 0.2}, {0.04, 0.1}}};

// Cells that explain what was measured this much worse than the best are left out.
constexpr double kNegligibleWeight = 5e-3;

double matern32(double apart) {
  const double r = std::sqrt(3.0) * apart / kDeviationLength;
  return (1 + r) * std::exp(-r);
}

double distance(const Features& a, const Features& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.position.size(); ++i) {
    const double step = a.position[i] - b.position[i];
    sum += step * step;
  }
  return std::sqrt(sum);
}

Matrix basis_of(const std::vector<Features>& points, std::size_t functions) {
  Matrix basis(points.size(), functions);
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = 0; j < functions; ++j) {
      basis(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = points[i].basis[j];
    }
  }
  return basis;
}

Matrix nearness(const std::vector<Features>& a, const std::vector<Features>& b) {
  Matrix matrix(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      matrix(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          matern32(distance(a[i], b[j]));
    }
  }
  return matrix;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

// One choice of the two sizes, and what follows from it.
struct Cell {
  double deviation = 0;      ///< share of the scale
  double between_loads = 0;  ///< share of the time
  double log_weight = 0;
  double weight = 0;
  Vector mean;       ///< of every point
  Vector variance;   ///< of every point, without the spread between loads
  Matrix explained;  ///< the covariance of points is what they had before less its square
  Vector beta;       ///< posterior mean
  Vector beta_sd;
};

// What all cells share.
struct Problem {
  TimePrior prior;
  Vector prior_mean;
  Vector prior_variance;
  Matrix basis_seen, basis_asked;
  Matrix near_seen, near_cross;
  Matrix same_load;  ///< 1 where two observations are of one load
  Vector y, variance;
  std::vector<Features> points;
};

// Between points, before anything was measured.
Matrix prior_covariance(const Problem& problem, double size,
                        const std::vector<std::size_t>& indexes) {
  std::vector<Features> points;
  points.reserve(indexes.size());
  for (const std::size_t index : indexes) points.push_back(problem.points[index]);
  const Matrix basis = basis_of(points, problem.prior.beta.size());
  return basis * problem.prior_variance.asDiagonal() * basis.transpose() +
         size * size * nearness(points, points);
}

Matrix loads_of(const std::vector<Observation>& observations) {
  const auto size = static_cast<Eigen::Index>(observations.size());
  Matrix same = Matrix::Identity(size, size);
  for (Eigen::Index i = 0; i < size; ++i) {
    for (Eigen::Index j = 0; j < i; ++j) {
      const auto& a = observations[static_cast<std::size_t>(i)].load;
      const auto& b = observations[static_cast<std::size_t>(j)].load;
      if (a && a == b) same(i, j) = same(j, i) = 1;
    }
  }
  return same;
}

Problem set_up(const TimePrior& prior, const std::vector<Observation>& observations,
               const std::vector<Features>& points) {
  Problem problem;
  problem.prior = prior;
  const std::size_t functions = prior.beta.size();
  problem.prior_mean.resize(static_cast<Eigen::Index>(functions));
  problem.prior_variance.resize(static_cast<Eigen::Index>(functions));
  for (std::size_t i = 0; i < functions; ++i) {
    problem.prior_mean(static_cast<Eigen::Index>(i)) = prior.beta[i].value;
    problem.prior_variance(static_cast<Eigen::Index>(i)) = prior.beta[i].sd * prior.beta[i].sd;
  }
  std::vector<Features> seen;
  seen.reserve(observations.size());
  problem.y.resize(static_cast<Eigen::Index>(observations.size()));
  problem.variance.resize(static_cast<Eigen::Index>(observations.size()));
  for (std::size_t i = 0; i < observations.size(); ++i) {
    seen.push_back(observations[i].at);
    problem.y(static_cast<Eigen::Index>(i)) = observations[i].ms;
    problem.variance(static_cast<Eigen::Index>(i)) = observations[i].sd_ms * observations[i].sd_ms;
  }
  problem.basis_seen = basis_of(seen, functions);
  problem.basis_asked = basis_of(points, functions);
  problem.near_seen = nearness(seen, seen);
  problem.near_cross = nearness(seen, points);
  problem.same_load = loads_of(observations);
  problem.points = points;
  return problem;
}

Cell solve(const Problem& problem, const GridPoint& deviation, const GridPoint& between) {
  Cell cell;
  cell.deviation = deviation.share;
  cell.between_loads = between.share;
  cell.log_weight = std::log(deviation.weight) + std::log(between.weight);
  const double size = deviation.share * problem.prior.scale_ms;
  const auto variance = problem.prior_variance.asDiagonal();
  const Vector expected = problem.basis_asked * problem.prior_mean;
  // A point is at no distance from itself: there nearness is 1.
  cell.variance = problem.basis_asked.cwiseAbs2() * problem.prior_variance;
  cell.variance.array() += size * size;
  if (problem.y.size() == 0) {
    cell.mean = expected;
    cell.explained = Matrix::Zero(0, expected.size());
    cell.beta = problem.prior_mean;
    cell.beta_sd = problem.prior_variance.cwiseSqrt();
    return cell;
  }
  Matrix seen = problem.basis_seen * variance * problem.basis_seen.transpose() +
                size * size * problem.near_seen;
  seen.diagonal() += problem.variance;
  const Vector offsets = between.share * problem.y;
  seen += (offsets * offsets.transpose()).cwiseProduct(problem.same_load);
  // A tenth of a per mille of the scale keeps equal rows from being singular.
  seen.diagonal().array() += std::pow(1e-4 * problem.prior.scale_ms, 2);
  const Eigen::LLT<Matrix> factor(seen);
  const Vector surprise = problem.y - problem.basis_seen * problem.prior_mean;
  const Vector whitened = factor.matrixL().solve(surprise);
  cell.log_weight -= 0.5 * whitened.squaredNorm();
  cell.log_weight -= factor.matrixLLT().diagonal().array().log().sum();

  const Matrix cross = problem.basis_seen * variance * problem.basis_asked.transpose() +
                       size * size * problem.near_cross;
  cell.explained = factor.matrixL().solve(cross);
  cell.mean = expected + cell.explained.transpose() * whitened;
  cell.variance -= cell.explained.colwise().squaredNorm().transpose();

  const Matrix beta_cross = problem.basis_seen * variance;
  const Matrix beta_gain = factor.matrixL().solve(beta_cross);
  cell.beta = problem.prior_mean + beta_gain.transpose() * whitened;
  const Vector left = problem.prior_variance - beta_gain.colwise().squaredNorm().transpose();
  cell.beta_sd = left.cwiseMax(0).cwiseSqrt();
  return cell;
}

std::vector<Cell> weigh(std::vector<Cell> cells) {
  double best = -std::numeric_limits<double>::infinity();
  for (const Cell& cell : cells) best = std::max(best, cell.log_weight);
  std::erase_if(cells, [best](const Cell& cell) {
    return !(std::exp(cell.log_weight - best) >= kNegligibleWeight);
  });
  double sum = 0;
  for (Cell& cell : cells) sum += cell.weight = std::exp(cell.log_weight - best);
  for (Cell& cell : cells) cell.weight /= sum;
  return cells;
}

// The value below which `share` of a mixture of normals lies.
double quantile(const std::vector<double>& weights, const std::vector<double>& means,
                const std::vector<double>& sds, double share) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (std::size_t i = 0; i < means.size(); ++i) {
    low = std::min(low, means[i] - 8 * sds[i]);
    high = std::max(high, means[i] + 8 * sds[i]);
  }
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    double below = 0;
    for (std::size_t i = 0; i < means.size(); ++i) {
      below += weights[i] * normal_cdf((middle - means[i]) / std::max(sds[i], 1e-12));
    }
    (below < share ? low : high) = middle;
  }
  return (low + high) / 2;
}

// Rounding leaves a covariance that is not quite positive; a little on its diagonal mends that.
Matrix square_root(Matrix cov, double little) {
  while (true) {
    cov.diagonal().array() += little * little;
    const Eigen::LLT<Matrix> factor(cov);
    if (factor.info() == Eigen::Success) return factor.matrixL();
    little *= 4;
  }
}

}  // namespace

struct TimeModel::State {
  Problem problem;
  std::vector<Cell> cells;
  std::vector<Coefficient> coefficients;
  double least_ms = 0;  ///< no token is free

  // A weighted mean over the cells.
  template <typename Value>
  [[nodiscard]] double mean(Value value) const {
    double sum = 0;
    for (const Cell& cell : cells) sum += cell.weight * value(cell);
    return sum;
  }
};

TimeModel TimeModel::fit(const TimePrior& prior, const std::vector<Observation>& observations,
                         const std::vector<Features>& points) {
  Problem problem = set_up(prior, observations, points);
  std::vector<Cell> cells;
  cells.reserve(kDeviations.size() * kBetweenLoads.size());
  for (const GridPoint& deviation : kDeviations) {
    for (const GridPoint& between : kBetweenLoads) {
      cells.push_back(solve(problem, deviation, between));
    }
  }
  auto state = std::make_shared<State>();
  state->problem = std::move(problem);
  state->cells = weigh(std::move(cells));
  state->least_ms = 1e-4 * prior.scale_ms;
  for (std::size_t i = 0; i < prior.beta.size(); ++i) {
    const auto at = static_cast<Eigen::Index>(i);
    const double value = state->mean([&](const Cell& cell) { return cell.beta(at); });
    const double square = state->mean([&](const Cell& cell) {
      return std::pow(cell.beta(at) - value, 2) + std::pow(cell.beta_sd(at), 2);
    });
    state->coefficients.push_back({value, std::sqrt(square)});
  }
  return TimeModel(std::move(state));
}

Estimate TimeModel::predict(std::size_t index) const {
  const auto at = static_cast<Eigen::Index>(index);
  std::vector<double> weights;
  std::vector<double> means;
  std::vector<double> sds;
  for (const Cell& cell : state_->cells) {
    const double load = cell.between_loads * cell.mean(at);
    weights.push_back(cell.weight);
    means.push_back(cell.mean(at));
    sds.push_back(std::sqrt(std::max(cell.variance(at), 0.0) + load * load));
  }
  const double least = state_->least_ms;
  Estimate estimate;
  estimate.value = std::max(least, quantile(weights, means, sds, 0.5));
  estimate.low = std::max(least, quantile(weights, means, sds, 0.025));
  estimate.high = std::max(estimate.value, quantile(weights, means, sds, 0.975));
  return estimate;
}

std::vector<std::vector<double>> TimeModel::draw(std::size_t count, std::uint64_t seed) const {
  std::vector<std::size_t> all(state_->problem.points.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return draw(count, seed, all);
}

std::vector<std::vector<double>> TimeModel::draw(std::size_t count, std::uint64_t seed,
                                                 const std::vector<std::size_t>& indexes) const {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  const auto size = static_cast<Eigen::Index>(indexes.size());
  const std::vector<Eigen::Index> columns(indexes.begin(), indexes.end());
  std::vector<std::vector<double>> worlds;
  worlds.reserve(count + state_->cells.size());
  for (const Cell& cell : state_->cells) {
    const auto share =
        static_cast<std::size_t>(std::llround(std::ceil(cell.weight * static_cast<double>(count))));
    const Matrix explained = cell.explained(Eigen::all, columns);
    const Matrix before =
        prior_covariance(state_->problem, cell.deviation * state_->problem.prior.scale_ms, indexes);
    const Matrix root = square_root(before - explained.transpose() * explained, state_->least_ms);
    Matrix z(size, static_cast<Eigen::Index>(share));
    for (Eigen::Index j = 0; j < z.size(); ++j) z.data()[j] = normal(random);
    Matrix drawn = root * z;
    drawn.colwise() += cell.mean(columns);
    for (Eigen::Index i = 0; i < drawn.cols(); ++i) {
      std::vector<double>& world = worlds.emplace_back(indexes.size());
      Vector::Map(world.data(), size) = drawn.col(i).cwiseMax(state_->least_ms);
    }
  }
  return worlds;
}

const std::vector<Coefficient>& TimeModel::coefficients() const { return state_->coefficients; }

double TimeModel::deviation() const {
  return state_->mean([](const Cell& cell) { return cell.deviation; });
}

double TimeModel::between_loads() const {
  return state_->mean([](const Cell& cell) { return cell.between_loads; });
}

bool TimeModel::is_linear() const {
  return state_->mean(
             [](const Cell& cell) { return cell.deviation > kLinearDeviation ? 1.0 : 0.0; }) < 0.5;
}

}  // namespace sweetspot::search
