#include "search/sweep_view.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "search/curve.hpp"
#include "search/next_count.hpp"

namespace sweetspot::search {
namespace {

constexpr int kBlocks = 32;
constexpr double kPercentPerLayer = 2.5;

struct Told {
  int layers = 0;
  double ms = 0;
};

SweepState told(const std::vector<Told>& trials) {
  SweepState sweep{test::candidates_for(kBlocks, kPercentPerLayer),
                   LayerShape(test::uniform_model(kBlocks)),
                   {}};
  int at = 0;
  for (const Told& one : trials) {
    SweepRow row;
    row.loads = {{one.ms, one.ms * 0.99, one.ms * 1.01}};
    row.ms = row.loads.front();
    row.vram_percent = kPercentPerLayer * one.layers;
    row.extent = one.layers == 0 ? Extent::full : Extent::generation_only;
    row.told_at = ++at;
    sweep.rows[one.layers] = row;
  }
  sweep.judge();
  return sweep;
}

constexpr std::size_t kBalanced = 1;

// A device that is slower than the CPU, on no line.
TEST(SweepView, BetweenTwoNeighboursThatCountNoneIsFasterThanBoth) {
  const SweepView view = look(told({{0, 30}, {4, 90}, {12, 60}, {22, 80}, {24, 90}}));
  ASSERT_EQ(view.odds[kBalanced].winner, 22U);
  EXPECT_EQ(view.odds[kBalanced].gain[23], 0);
  EXPECT_GT(view.odds[kBalanced].gain[21], 0) << "with one neighbour it may be";
}

// 16 layers are the fastest so far, and the line says that 17 are faster.
SweepStep next_at_sixteen(std::optional<int> spilled) {
  SweepState sweep = told({{0, 100}, {8, 75}, {12, 62}, {16, 50}});
  if (spilled) {
    sweep.rows[*spilled] = sweep.rows.at(8);
    sweep.rows.at(*spilled).spilled = true;
    sweep.judge();
  }
  SweepTurn turn;
  turn.last_told = 16;
  turn.last_was_quiet = true;
  return next_count(sweep, turn).value_or(SweepStep{});
}

TEST(SweepView, WhatIsLoadedAndMayBeTheLastBeforeACliffIsCompleted) {
  const SweepStep below_a_cliff = next_at_sixteen(18);
  EXPECT_EQ(below_a_cliff.layers, 16);
  EXPECT_EQ(below_a_cliff.extent, Extent::full);
  EXPECT_EQ(next_at_sixteen({}).extent, Extent::generation_only) << "surely beaten without one";
}

}  // namespace
}  // namespace sweetspot::search
