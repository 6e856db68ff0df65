#include "tpe.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace sweetspot::simulation {
namespace {

constexpr std::size_t kRandomTrials = 10;
constexpr double kGoodShare = 0.1;
constexpr std::size_t kMostGood = 25;
constexpr int kCandidates = 24;

// Of the range. The usual rule, the range over the number of trials, makes normals so wide that 45
// trials hardly concentrate; with this one the median regret on the pretended machines is less.
constexpr double kNarrowest = 1.0 / 30;

using Probabilities = std::vector<double>;  // of each value of one dimension

void normalise(Probabilities& p) {
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& each : p) each /= sum;
}

Probabilities of_categories(const std::vector<std::size_t>& seen, std::size_t values) {
  Probabilities p(values, 1.0 / static_cast<double>(values));  // the prior counts as one trial
  for (const std::size_t value : seen) p[value] += 1;
  normalise(p);
  return p;
}

/// A normal around each seen value, as wide as the distance to its further neighbour (the prior's
/// middle is one of them, the ends of the range are not) but no narrower than kNarrowest, and a
/// prior as wide as the range.
Probabilities of_order(const std::vector<std::size_t>& seen, std::size_t values) {
  const double range = static_cast<double>(values);
  const double middle = (range - 1) / 2;
  std::vector<double> centres = {middle};
  for (const std::size_t value : seen) centres.push_back(static_cast<double>(value));
  std::sort(centres.begin(), centres.end());
  const double narrowest = std::max(1.0, kNarrowest * range);
  Probabilities sum(values, 0);
  const auto add = [&](double centre, double sigma) {
    Probabilities p(values);
    for (std::size_t i = 0; i < values; ++i) {
      const double z = (static_cast<double>(i) - centre) / sigma;
      p[i] = std::exp(-0.5 * z * z);
    }
    normalise(p);
    for (std::size_t i = 0; i < values; ++i) sum[i] += p[i];
  };
  const auto prior = std::find(centres.begin(), centres.end(), middle) - centres.begin();
  for (std::size_t k = 0; k < centres.size(); ++k) {
    const double below = k > 0 ? centres[k] - centres[k - 1] : 0;
    const double above = k + 1 < centres.size() ? centres[k + 1] - centres[k] : 0;
    const bool is_prior = static_cast<std::ptrdiff_t>(k) == prior;
    const double sigma = std::clamp(std::max(below, above), narrowest, range);
    add(centres[k], is_prior ? range : sigma);
  }
  normalise(sum);
  return sum;
}

std::size_t draw(const Probabilities& p, fake::Dice& dice) {
  double left = dice.uniform();
  for (std::size_t i = 0; i + 1 < p.size(); ++i) {
    left -= p[i];
    if (left <= 0) return i;
  }
  return p.size() - 1;
}

}  // namespace

Tpe::Tpe(std::vector<Dimension> dimensions, std::uint64_t seed)
    : dimensions_(std::move(dimensions)), dice_(seed) {}

Point Tpe::random_point() {
  Point point;
  point.reserve(dimensions_.size());
  for (const Dimension& dimension : dimensions_) {
    point.push_back(
        static_cast<std::size_t>(dice_.whole(0, static_cast<int>(dimension.values) - 1)));
  }
  return point;
}

Point Tpe::ask() {
  if (told_.size() < kRandomTrials) return random_point();
  std::vector<Told> sorted = told_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Told& a, const Told& b) { return a.loss < b.loss; });
  const auto good = std::min(
      kMostGood,
      static_cast<std::size_t>(std::ceil(kGoodShare * static_cast<double>(sorted.size()))));
  std::vector<Probabilities> of_good;
  std::vector<Probabilities> of_bad;
  for (std::size_t d = 0; d < dimensions_.size(); ++d) {
    std::vector<std::size_t> in_good;
    std::vector<std::size_t> in_bad;
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      (i < good ? in_good : in_bad).push_back(sorted[i].point[d]);
    }
    const Dimension& dimension = dimensions_[d];
    const auto density = dimension.ordered ? of_order : of_categories;
    of_good.push_back(density(in_good, dimension.values));
    of_bad.push_back(density(in_bad, dimension.values));
  }
  Point best;
  double most = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < kCandidates; ++i) {
    Point candidate(dimensions_.size());
    double score = 0;
    for (std::size_t d = 0; d < dimensions_.size(); ++d) {
      candidate[d] = draw(of_good[d], dice_);
      score += std::log(of_good[d][candidate[d]]) - std::log(of_bad[d][candidate[d]]);
    }
    if (score <= most || was_told(candidate)) continue;
    most = score;
    best = std::move(candidate);
  }
  return best.empty() ? random_point() : best;
}

// Measuring a point again would tell little and cost a trial.
bool Tpe::was_told(const Point& point) const {
  return std::any_of(told_.begin(), told_.end(),
                     [&](const Told& told) { return told.point == point; });
}

void Tpe::tell(Point point, double loss) { told_.push_back({std::move(point), loss}); }

}  // namespace sweetspot::simulation
