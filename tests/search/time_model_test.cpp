#include "search/time_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <set>

#include "search/curve.hpp"
#include "search/layer_shape.hpp"

namespace sweetspot::search {
namespace {

using test::Curve;
using test::Line;
using test::uniform_model;

double uniform(std::mt19937_64& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

// What a machine gives beside its curve, as shares of a time.
struct Noise {
  double sample = 0.005;         // of one measurement, and what it says of itself
  double between_loads = 0.005;  // between two loads of one config
};

// A model of `curve`, from one load of each of `seen`.
class Fit {
 public:
  Fit(int blocks, Curve curve, const std::vector<int>& seen, const Noise& noise, std::uint64_t seed)
      : random_(seed), curve_(std::move(curve)), noise_(noise) {
    const LayerShape shape(uniform_model(blocks));
    std::vector<Features> points;
    for (int layers = 0; layers <= blocks + 1; ++layers) points.push_back(shape.features(layers));
    std::vector<Observation> observations;
    for (const int layers : seen) {
      const double ms = load(layers) * (1 + normal(noise.sample));
      observations.push_back({points[static_cast<std::size_t>(layers)], ms, noise.sample * ms});
      scale_ = std::max(scale_, ms);
    }
    model_ = TimeModel::fit(shape.prior(scale_), observations, points);
  }

  // What a load of `layers` takes, without the error of measuring it.
  double load(int layers) { return curve_(layers) * (1 + normal(noise_.between_loads)); }
  [[nodiscard]] const TimeModel& model() const { return *model_; }
  [[nodiscard]] Estimate predict(int layers) const {
    return model_->predict(static_cast<std::size_t>(layers));
  }
  bool covers(int layers) {
    const Estimate estimate = predict(layers);
    const double truth = load(layers);
    return estimate.low <= truth && truth <= estimate.high;
  }

 private:
  double normal(double sd) { return std::normal_distribution<double>(0, sd)(random_); }

  std::mt19937_64 random_;
  Curve curve_;
  Noise noise_;
  double scale_ = 0;
  std::optional<TimeModel> model_;
};

double width(const Estimate& estimate) { return estimate.high - estimate.low; }

// A second device of half the speed takes over in the middle.
double kinked(int layers) { return layers <= 20 ? 100 - 1.0 * layers : 80 - 3.0 * (layers - 20); }

TEST(TimeModel, NinetyFivePercentOfHeldOutLoadsLieInTheirIntervals) {
  int covered = 0;
  int asked = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::mt19937_64 random(seed);
    Line line;
    line.blocks = static_cast<int>(uniform(random, 16, 60));
    line.cpu_ms = uniform(random, 20, 400);
    line.device_ms = line.cpu_ms * uniform(random, 0.03, 0.8);
    line.crossing_ms = line.cpu_ms * uniform(random, 0, 0.1);
    const double wave = line.cpu_ms * uniform(random, 0, 0.01);
    const double phase = uniform(random, 0, 6.28);
    const Curve curve = [&](int layers) {
      return line.ms(layers) + wave * std::sin(phase + 9.0 * layers / line.blocks);
    };
    std::set<int> seen = {0, line.blocks + 1};
    while (seen.size() < 5 + seed % 3)
      seen.insert(static_cast<int>(uniform(random, 1, line.blocks)));
    const Noise noise{uniform(random, 0.002, 0.01), uniform(random, 0.002, 0.015)};
    Fit fit(line.blocks, curve, {seen.begin(), seen.end()}, noise, seed);
    for (int layers = 1; layers <= line.blocks; layers += 3) {
      if (seen.count(layers) > 0) continue;
      ++asked;
      covered += fit.covers(layers) ? 1 : 0;
    }
  }
  const double share = static_cast<double>(covered) / asked;
  EXPECT_GE(share, 0.90);
  EXPECT_LE(share, 0.99);
}

TEST(TimeModel, TheNextLoadOfAWellKnownCountMayDifferAllTheSame) {
  // The line is known to a per mille, each load is off by 1.5 %.
  const Line line;
  std::vector<int> seen;
  for (int layers = 0; layers <= 33; ++layers) seen.push_back(layers);
  int covered = 0;
  int asked = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Fit fit(
        line.blocks, [&](int layers) { return line.ms(layers); }, seen, {0.001, 0.015}, seed);
    EXPECT_NEAR(fit.model().between_loads(), 0.015, 0.01);
    for (int layers = 1; layers <= 32; layers += 3) {
      ++asked;
      covered += fit.covers(layers) ? 1 : 0;
    }
  }
  EXPECT_GE(covered, 0.9 * asked);
}

TEST(TimeModel, KnowsMoreFromMoreObservations) {
  const Line line;
  const Curve curve = [&](int layers) { return line.ms(layers); };
  double before = std::numeric_limits<double>::infinity();
  const std::vector<std::vector<int>> growing = {
      {0}, {0, 33}, {0, 8, 33}, {0, 8, 20, 33}, {0, 4, 8, 14, 20, 26, 30, 33}};
  for (const auto& seen : growing) {
    const Fit fit(line.blocks, curve, seen, {0.003, 0.003}, 5);
    const double now = width(fit.predict(17));
    EXPECT_LT(now, before) << seen.size();
    before = now;
  }
  EXPECT_LT(before, 0.1 * line.ms(17));
}

TEST(TimeModel, ALineIsLinearAndItsCoefficientsComeBack) {
  const Line line;
  const Fit fit(
      line.blocks, [&](int layers) { return line.ms(layers); }, {0, 1, 6, 12, 18, 25, 32, 33},
      {0.002, 0.002}, 3);
  EXPECT_TRUE(fit.model().is_linear());
  EXPECT_LT(fit.model().deviation(), 0.03);
  const Coefficient moved = fit.model().coefficients()[1];
  const double truth = line.device_ms - 0.97 * line.cpu_ms;
  EXPECT_NEAR(moved.value, truth, 4 * moved.sd);
  EXPECT_LT(moved.sd, 0.05 * -truth);
}

TEST(TimeModel, AKinkIsNoticedAndTheIntervalsAdmitIt) {
  int covered = 0;
  int asked = 0;
  int noticed = 0;
  const std::vector<int> seen = {0, 1, 7, 14, 20, 27, 34, 41};
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Fit fit(40, kinked, seen, {0.005, 0.005}, seed);
    noticed += fit.model().is_linear() ? 0 : 1;
    for (const int layers : {4, 10, 17, 23, 30, 37}) {
      ++asked;
      covered += fit.covers(layers) ? 1 : 0;
    }
  }
  EXPECT_GE(noticed, 55);
  EXPECT_GE(covered, 0.9 * asked);
}

TEST(TimeModel, AKinkNobodyHasSeenYetIsNotRuledOut) {
  // Both ends and a quarter: what lies between is a guess, and must look like one.
  const Fit fit(40, kinked, {0, 10, 41}, {0.005, 0.005}, 1);
  const Estimate middle = fit.predict(20);
  EXPECT_LE(middle.low, kinked(20));
  EXPECT_GE(middle.high, kinked(20));
}

// Nothing but the prior: mean 80, variance 5^2 + 3^2, and a little of all else.
TimeModel unobserved() {
  TimePrior prior;
  prior.beta = {{100, 5}, {-20, 3}};
  prior.scale_ms = 1;
  return TimeModel::fit(prior, {}, {{{1, 1}, {1}}, {{1, 0}, {0}}});
}

TEST(TimeModel, WithoutObservationsThePriorSpeaks) {
  const TimeModel model = unobserved();
  const Estimate estimate = model.predict(0);
  EXPECT_NEAR(estimate.value, 80, 0.5);
  EXPECT_NEAR(estimate.low, 80 - 1.96 * std::sqrt(34), 0.6);
  EXPECT_NEAR(estimate.high, 80 + 1.96 * std::sqrt(34), 0.6);
  EXPECT_NEAR(model.coefficients()[0].value, 100, 1e-9);
  EXPECT_NEAR(model.coefficients()[0].sd, 5, 1e-9);
}

TEST(TimeModel, DrawsAreSpreadAsPredicted) {
  const auto worlds = unobserved().draw(4000, 11);
  ASSERT_GE(worlds.size(), 4000U);
  double sum = 0;
  double square = 0;
  double product = 0;
  for (const auto& world : worlds) {
    sum += world[0];
    square += (world[0] - 80) * (world[0] - 80);
    product += (world[0] - 80) * (world[1] - 100);
  }
  const auto n = static_cast<double>(worlds.size());
  EXPECT_NEAR(sum / n, 80, 0.4);
  EXPECT_NEAR(std::sqrt(square / n), std::sqrt(34), 0.3);
  EXPECT_NEAR(product / n, 25, 2.5) << "points of one world share its coefficients";
}

TEST(TimeModel, DrawsOfSomePointsAreSpreadAsThoseOfAll) {
  const auto worlds = unobserved().draw(4000, 11, {1});
  double mean = 0;
  for (const auto& world : worlds) {
    ASSERT_EQ(world.size(), 1U);
    mean += world[0] / static_cast<double>(worlds.size());
  }
  const Estimate expected = unobserved().predict(1);
  EXPECT_NEAR(mean, expected.value, 0.1 * (expected.high - expected.low));
}

TEST(TimeModel, WhatALoadDiffersByIsSharedByItsTrials) {
  // Three trials of one load that is as far off as loads may be: of three loads it would mean more.
  const TimePrior prior{{{100, 50}}, 100};
  const auto spread = [&](bool one_load) {
    std::vector<Observation> seen;
    for (std::size_t i = 0; i < 3; ++i) {
      seen.push_back({{{1}, {0}}, 100, 0.1, one_load ? 0 : i});
    }
    const Estimate at = TimeModel::fit(prior, seen, {{{1}, {0}}}).predict(0);
    return at.high - at.low;
  };
  EXPECT_GT(spread(true), 1.1 * spread(false));
}

TEST(TimeModel, DrawsBelongToTheirSeed) {
  const Line line;
  const Fit fit(
      line.blocks, [&](int layers) { return line.ms(layers); }, {0, 12, 33}, {}, 3);
  EXPECT_EQ(fit.model().draw(50, 7), fit.model().draw(50, 7));
  EXPECT_NE(fit.model().draw(50, 7), fit.model().draw(50, 8));
}

TEST(TimeModel, NoTimeIsEverBelowZero) {
  // One observation: the line may go anywhere, but not below nothing.
  const Fit fit(
      32, [](int layers) { return layers == 0 ? 100.0 : 3.0; }, {0}, {}, 3);
  for (int layers = 0; layers <= 33; ++layers) EXPECT_GT(fit.predict(layers).low, 0) << layers;
  for (const auto& world : fit.model().draw(100, 1))
    EXPECT_THAT(world, testing::Each(testing::Gt(0)));
}

}  // namespace
}  // namespace sweetspot::search
