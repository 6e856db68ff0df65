#include "launch/adapt.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <vector>

namespace sweetspot::launch {
namespace {

struct Move {
  double at;
  std::size_t to;
  bool operator==(const Move&) const = default;
};

// Looks once a second at what would be wanted at that time.
std::vector<Move> follow(const std::function<std::size_t(double)>& wanted, double seconds,
                         std::size_t running = 0) {
  Adapt adapt;
  std::vector<Move> moves;
  for (double now = 0; now < seconds; ++now) {
    const auto to = adapt.look(running, wanted(now), now);
    if (!to) continue;
    adapt.moved(running, *to, now);
    running = *to;
    moves.push_back({now, *to});
  }
  return moves;
}

TEST(Adapt, MovesDownWhenMemoryIsShortForLongEnough) {
  const auto moves = follow([](double now) { return now < 10 ? 0U : 2U; }, 60);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0], (Move{15, 2}));
}

TEST(Adapt, AShortPeakMovesNothing) {
  EXPECT_TRUE(follow([](double now) { return now >= 10 && now < 14 ? 1U : 0U; }, 60).empty());
}

TEST(Adapt, MovesUpOnlyWhenMemoryIsBackForLong) {
  const auto moves = follow([](double now) { return now >= 10 && now < 30 ? 1U : 0U; }, 200);
  ASSERT_EQ(moves.size(), 2U);
  EXPECT_EQ(moves[0].to, 1U);
  EXPECT_EQ(moves[1], (Move{90, 0}));
}

TEST(Adapt, UpGoesOnlyAsFarAsWasThereAllTheTime) {
  const auto moves = follow([](double now) { return now < 40 ? 1U : 0U; }, 62, 2);
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0], (Move{60, 1}));
}

// Somebody who takes memory and gives it back all the time must not make us load all the time.
TEST(Adapt, DoesNotFlap) {
  const auto in_turns = [](double period) {
    return [period](double now) {
      return static_cast<std::size_t>(static_cast<long>(now / period) % 2);
    };
  };
  EXPECT_TRUE(follow(in_turns(4), 3600).empty()) << "too short to notice";
  EXPECT_EQ(follow(in_turns(30), 3600).size(), 1U) << "down, and never up again";
  // Long enough to move up each time at first; then it waits longer.
  const auto moves = follow(in_turns(70), 3600);
  EXPECT_LE(moves.size(), 5U);
  EXPECT_EQ(moves.back().to, 1U);
}

TEST(Adapt, WhatNobodyCanTellChangesNothing) {
  Adapt adapt;
  for (double now = 0; now < 100; ++now) EXPECT_FALSE(adapt.look(0, std::nullopt, now));
}

// Whatever the curve: between two moves there is at least the time of one of them, and a move up
// never comes before a minute.
RC_GTEST_PROP(Adapt, MovesAreFarApart, ()) {
  const auto curve =
      *rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(0, 4));
  RC_PRE(!curve.empty());
  const auto moves = follow(
      [&](double now) { return curve[static_cast<std::size_t>(now / 7) % curve.size()]; }, 2000);
  std::size_t running = 0;
  double last = 0;
  for (const Move& move : moves) {
    RC_ASSERT(move.at - last >= (move.to > running ? 5.0 : 60.0));
    running = move.to;
    last = move.at;
  }
}

}  // namespace
}  // namespace sweetspot::launch
