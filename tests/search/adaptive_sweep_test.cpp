#include "search/adaptive_sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/curve.hpp"

namespace sweetspot::search {
namespace {

using test::candidates_for;
using test::Line;
using test::play;
using test::Played;
using test::uniform_model;

Played play_line(const Line& line, double sd = 0.005, std::uint64_t seed = 1) {
  AdaptiveSweep sweep(candidates_for(line.blocks, line.percent_per_layer),
                      uniform_model(line.blocks), {});
  return play(
      sweep, [&](int layers) { return line.ms(layers); }, line.percent_per_layer, sd, seed);
}

TEST(AdaptiveSweep, BeginsWithTheCpuAloneInFull) {
  AdaptiveSweep sweep(candidates_for(32, 2.5), uniform_model(32), {});
  const auto step = sweep.ask();
  ASSERT_TRUE(step);
  EXPECT_EQ(step->layers, 0);
  EXPECT_EQ(step->extent, Extent::full);
  EXPECT_NE(step->reason.find("CPU"), std::string::npos);
}

TEST(AdaptiveSweep, SettlesALineInAHandfulOfLoads) {
  const Line line;
  const Played played = play_line(line);
  EXPECT_LE(played.loads(), 7);
  EXPECT_EQ(played.winner("fast"), 19);         // 47.5 %
  EXPECT_EQ(played.winner("balanced"), 27);     // 67.5 %
  EXPECT_EQ(played.winner("performance"), 33);  // 82.5 %
  EXPECT_EQ(played.winner("optimum"), 33);
}

TEST(AdaptiveSweep, ManyLines) {
  double loads = 0;
  double worst = 0, sum = 0;
  int most = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> u;
    Line line;
    line.blocks = 22 + static_cast<int>(u(random) * 100);
    line.cpu_ms = 20 + 300 * u(random);
    line.device_ms = line.cpu_ms * std::exp(-3.5 * u(random) + 0.7);
    line.crossing_ms = line.cpu_ms * (u(random) < 0.7 ? 0.02 : 0.4) * u(random);
    line.percent_per_layer = 100.0 / line.blocks * (0.3 + 2 * u(random));
    const Played played = play_line(line, 0.007, seed);
    loads += played.loads();
    if (played.loads() > 10) {
      std::printf("== seed %d blocks %d cpu %g dev %g cross %g ppl %g loads %d dev.share %g\n",
                  static_cast<int>(seed), line.blocks, line.cpu_ms, line.device_ms,
                  line.crossing_ms, line.percent_per_layer, played.loads(),
                  played.record.generation->deviation);
      for (size_t i = 0; i < played.steps.size() && i < 14; ++i)
        std::printf("   %d %s\n", played.steps[i].layers, played.steps[i].reason.c_str());
    }
    most = std::max(most, played.loads());
    for (const Decision& decision : played.record.decisions) {
      if (!decision.layers) continue;
      double best = 1e9;
      for (int l = 0; l <= line.blocks + 1; ++l) {
        const double p = l * line.percent_per_layer;
        const bool in = decision.name == "fast"          ? p < 50
                        : decision.name == "balanced"    ? p >= 50 && p < 70
                        : decision.name == "performance" ? p >= 70 && p <= 85
                                                         : p <= 85;
        if (in) best = std::min(best, line.ms(l));
      }
      const double regret = line.ms(*decision.layers) / best - 1;
      worst = std::max(worst, regret);
      sum += regret;
    }
  }
  std::printf("mean loads %g most %d worst regret %g mean %g\n", loads / 60, most, worst,
              sum / 240);
}

}  // namespace
}  // namespace sweetspot::search
