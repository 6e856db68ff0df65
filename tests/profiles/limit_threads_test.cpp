// R48: what is started keeps to what the process may use.
#include "profiles/limit_threads.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::profiles {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Machine machine(int cores, int usable, int most) {
  Machine one;
  one.physical_cores = cores;
  one.usable_threads = usable;
  one.most_threads = most;
  return one;
}

ContextSettings with_threads(int threads, int for_prompts = 0) {
  ContextSettings context;
  context.n_threads = threads;
  context.n_threads_batch = for_prompts;
  return context;
}

ContextSettings limited(ContextSettings context, const Machine& on) {
  limit_threads(context, on);
  return context;
}

TEST(LimitThreads, WhereAllCoresMayBeUsedLlamaCppChooses) {
  EXPECT_EQ(limited(with_threads(0), machine(8, 8, 16)), with_threads(0));
  EXPECT_EQ(limited(with_threads(16, 16), machine(8, 8, 16)), with_threads(16, 16));
}

TEST(LimitThreads, WhereFewerMayBeUsedTheNumberIsSaid) {
  EXPECT_EQ(limited(with_threads(0), machine(8, 2, 4)), with_threads(2));
  EXPECT_EQ(limited(with_threads(1), machine(8, 2, 4)), with_threads(1)) << "somebody chose it";
}

TEST(LimitThreads, WhatWasMeasuredWithMoreIsLowered) {
  EXPECT_EQ(limited(with_threads(8, 16), machine(8, 1, 1)), with_threads(1, 1));
  EXPECT_EQ(limited(with_threads(3, 4), machine(8, 2, 4)), with_threads(3, 4)) << "they can run";
}

TEST(LimitThreads, OfAMachineThatNobodyReadNothingIsConcluded) {
  EXPECT_EQ(limited(with_threads(8), Machine{}), with_threads(8));
}

TEST(LimitThreads, OfASetItIsSaid) {
  ProfileSet set;
  set.profiles.resize(2);
  set.profiles[0].config.context = with_threads(8);
  set.profiles[1].config.context = with_threads(4);
  EXPECT_THAT(limit_threads(set, machine(8, 8, 16)), IsEmpty());
  EXPECT_THAT(limit_threads(set, machine(8, 2, 2)),
              HasSubstr("measured with up to 8 threads; this process may use 2"));
  EXPECT_EQ(set.profiles[0].config.context.n_threads, 2);
  EXPECT_EQ(set.profiles[1].config.context.n_threads, 2);
}

}  // namespace
}  // namespace sweetspot::profiles
