#include "adapter/steps.hpp"

#include <gtest/gtest.h>

namespace sweetspot::adapter {
namespace {

CompletionEvent token(std::uint32_t n, double predicted_ms) {
  CompletionEvent event;
  event.timings = Timings{10, 50, n, predicted_ms};
  event.tokens_predicted = n;
  return event;
}

CompletionEvent last() {
  CompletionEvent event;
  event.last = true;
  return event;
}

TEST(Steps, OneSequenceGivesDifferencesOfItsTimes) {
  Steps steps(1);
  EXPECT_FALSE(steps.add(0, token(0, 0), 1)) << "the prompt is still computed";
  EXPECT_FALSE(steps.add(0, token(1, 0.001), 2)) << "the first token is the prompt's";
  const auto second = steps.add(0, token(2, 7.5), 100);
  ASSERT_TRUE(second);
  EXPECT_DOUBLE_EQ(second->duration_ms, 7.499);
  EXPECT_EQ(second->tokens, 1U);
  EXPECT_FALSE(steps.by_arrival());
  EXPECT_FALSE(steps.add(0, last(), 101));
  EXPECT_TRUE(steps.over());
}

TEST(Steps, SeveralCountOnlyWhileAllGenerate) {
  Steps steps(2);
  EXPECT_FALSE(steps.add(0, token(1, 0.001), 1));
  EXPECT_FALSE(steps.add(0, token(2, 40), 2)) << "the other one's prompt is computed meanwhile";
  EXPECT_FALSE(steps.add(1, token(1, 0.001), 3));
  EXPECT_FALSE(steps.add(0, token(3, 52), 4)) << "the one that came last is the clock";
  const auto step = steps.add(1, token(2, 12), 5);
  ASSERT_TRUE(step);
  EXPECT_DOUBLE_EQ(step->duration_ms, 11.999);
  EXPECT_EQ(step->tokens, 2U);
  EXPECT_FALSE(steps.add(0, last(), 6));
  EXPECT_FALSE(steps.add(1, token(3, 20), 7)) << "one has ended";
}

TEST(Steps, WithoutTimesTheArrivalsCount) {
  Steps steps(1);
  CompletionEvent event;
  event.tokens_predicted = 1;
  EXPECT_FALSE(steps.add(0, event, 100));
  event.tokens_predicted = 2;
  const auto step = steps.add(0, event, 108);
  ASSERT_TRUE(step);
  EXPECT_DOUBLE_EQ(step->duration_ms, 8);
  EXPECT_TRUE(steps.by_arrival());
}

TEST(Steps, OldServersDoNotCountTheirTokens) {
  Steps steps(1);
  EXPECT_FALSE(steps.add(0, CompletionEvent{}, 100));
  const auto step = steps.add(0, CompletionEvent{}, 105);
  ASSERT_TRUE(step);
  EXPECT_DOUBLE_EQ(step->duration_ms, 5);
}

TEST(Steps, AServerThatSpeculatesGivesSeveralAtOnce) {
  Steps steps(1);
  steps.add(0, token(1, 0.001), 1);
  const auto step = steps.add(0, token(4, 9.001), 2);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->tokens, 3U);
}

TEST(Steps, NoStepTakesNoTime) {
  Steps steps(1);
  steps.add(0, token(1, 5), 1);
  const auto step = steps.add(0, token(2, 5), 2);
  ASSERT_TRUE(step);
  EXPECT_GT(step->duration_ms, 0);
}

}  // namespace
}  // namespace sweetspot::adapter
