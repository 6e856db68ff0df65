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

}  // namespace
}  // namespace sweetspot::search
