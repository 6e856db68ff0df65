#include "launch/fallback.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace sweetspot::launch {
namespace {

using testing::HasSubstr;

End end_of(EndKind kind) { return {kind, "why", {}}; }
End signalled(int signal) {
  return {EndKind::crashed, "was ended", process::ExitStatus{std::nullopt, signal}};
}

TEST(Fallback, EveryFailureBeforeItWorkedTakesTheNextRung) {
  for (const EndKind kind : {EndKind::out_of_memory, EndKind::crashed, EndKind::timed_out}) {
    Fallback fallback(3, 0);
    const Next next = fallback.after(end_of(kind), false, 1);
    EXPECT_EQ(next.rung, 1U);
    EXPECT_FALSE(next.again);
    EXPECT_EQ(fallback.rungs_left(), 2U);
  }
}

TEST(Fallback, AfterTheLastRungItIsOverWithAReason) {
  Fallback fallback(2, 0);
  ASSERT_EQ(fallback.after(end_of(EndKind::out_of_memory), false, 1).rung, 1U);
  const Next next = fallback.after({EndKind::crashed, "it fell over", {}}, false, 2);
  EXPECT_FALSE(next.rung);
  ASSERT_TRUE(next.error);
  EXPECT_EQ(next.exit_code, 5);
  EXPECT_THAT(next.error->message, HasSubstr("it fell over"));
}

TEST(Fallback, WhatNoOtherProfileHelpsEndsAtOnce) {
  Fallback fallback(3, 0);
  End end = end_of(EndKind::hopeless);
  end.error = ErrorKind::model;
  const Next next = fallback.after(end, false, 1);
  EXPECT_FALSE(next.rung);
  EXPECT_EQ(next.exit_code, 3);
}

TEST(Fallback, AProgramThatEndsByItselfIsDone) {
  for (const bool healthy : {false, true}) {
    Fallback fallback(3, 0);
    const Next next = fallback.after(end_of(EndKind::exited), healthy, 1);
    EXPECT_FALSE(next.rung);
    EXPECT_FALSE(next.error);
    EXPECT_EQ(next.exit_code, 0);
  }
}

TEST(Fallback, AKilledServerIsStartedAgainButNotForEver) {
  Fallback fallback(2, 0);
  for (int i = 0; i < 3; ++i) {
    const Next next = fallback.after(signalled(SIGKILL), true, 10.0 * i);
    EXPECT_EQ(next.rung, 0U);
    EXPECT_TRUE(next.again);
  }
  const Next lower = fallback.after(signalled(SIGKILL), true, 40);
  EXPECT_EQ(lower.rung, 1U);
  EXPECT_FALSE(lower.again);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fallback.after(signalled(SIGKILL), true, 50).again);
  const Next over = fallback.after(signalled(SIGKILL), true, 60);
  EXPECT_FALSE(over.rung);
  EXPECT_EQ(over.exit_code, 128 + SIGKILL);
  EXPECT_TRUE(over.error);
}

TEST(Fallback, OldRestartsAreForgotten) {
  Fallback fallback(2, 0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(fallback.after(signalled(SIGSEGV), true, 300.0 * i).again) << i;
  }
}

TEST(Fallback, OutOfMemoryWhileServingTakesTheNextRung) {
  Fallback fallback(2, 0);
  const Next next = fallback.after(end_of(EndKind::out_of_memory), true, 1);
  EXPECT_EQ(next.rung, 1U);
  EXPECT_FALSE(next.again);
}

TEST(Fallback, AProgramWithoutAPortIsNotStartedAgainOnceItAnswered) {
  FallbackRules rules;
  rules.restart_after_healthy = false;
  Fallback fallback(3, 0, rules);
  const Next next = fallback.after(signalled(SIGSEGV), true, 1);
  EXPECT_FALSE(next.rung);
  EXPECT_FALSE(next.error);
  EXPECT_EQ(next.exit_code, 128 + SIGSEGV);
}

TEST(Fallback, TheCodeOfAProgramWithoutAPortIsItsAnswer) {
  FallbackRules rules;
  rules.restart_after_healthy = false;
  Fallback fallback(3, 0, rules);
  const Next next =
      fallback.after({EndKind::crashed, "no", process::ExitStatus{7, std::nullopt}}, false, 1);
  EXPECT_FALSE(next.rung);
  EXPECT_EQ(next.exit_code, 7);
  EXPECT_EQ(Fallback(3, 0, rules).after(signalled(SIGSEGV), false, 1).rung, 1U);
  EXPECT_EQ(Fallback(3, 0, rules).after(end_of(EndKind::out_of_memory), false, 1).rung, 1U);
}

TEST(Fallback, BeginsWhereItIsToldTo) {
  Fallback fallback(4, 2);
  EXPECT_EQ(fallback.rung(), 2U);
  EXPECT_EQ(fallback.rungs_left(), 2U);
  fallback.move_to(1);
  EXPECT_EQ(fallback.rungs_left(), 3U);
}

}  // namespace
}  // namespace sweetspot::launch
