#include "machine/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "machine/random_pair.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

using ::testing::DoubleNear;
using ::testing::Gt;

Parts quiet() {
  Parts parts = recorded_curve();
  parts.disturbance = {};
  parts.disturbance.sample = parts.disturbance.load_offset = parts.disturbance.ramp = 0;
  return parts;
}

Session ready(const Machine& machine, std::uint64_t seed, int layers = 20) {
  Session session(machine, seed);
  Placement placement;
  placement.n_gpu_layers = layers;
  EXPECT_TRUE(session.load(placement));
  EXPECT_TRUE(session.context({}));
  EXPECT_TRUE(session.first_decode());
  return session;
}

double mean_ms(Session& session, int count) {
  double sum = 0;
  for (int i = 0; i < count; ++i) sum += session.generate(0).duration_ms;
  return sum / count;
}

TEST(Session, WithoutDisturbancesASampleIsTheTruth) {
  const Machine machine(quiet());
  Session session = ready(machine, 1);
  EXPECT_THAT(session.generate(100).duration_ms,
              DoubleNear(machine.generation_ms(session.config(), 100), 1e-6));
  EXPECT_THAT(session.prompt(256, 0).duration_ms / 256,
              DoubleNear(machine.prompt_ms_per_token(session.config(), 256, 0), 1e-6));
}

TEST(Session, SequencesSideBySideReadTheWeightsOnceAndEachItsCache) {
  const Machine machine(random_pair(11));
  Session session = ready(machine, 1);
  ContextSettings four;
  four.n_parallel = 4;
  ASSERT_TRUE(session.context(four));
  EXPECT_EQ(session.generate(100).tokens, 4U);
  Config one;
  Config side_by_side;
  side_by_side.context.n_parallel = 4;
  const double alone = machine.generation_ms(one, 0);
  const double together = machine.generation_ms(side_by_side, 0);
  EXPECT_THAT(together, Gt(alone));
  EXPECT_LT(together, 4 * alone);
  EXPECT_THAT(machine.generation_ms(side_by_side, 1000) - together,
              Gt(2 * (machine.generation_ms(one, 1000) - alone)));
}

TEST(Session, TheSameSeedGivesTheSameSeriesAndEachLoadIsALittleOff) {
  const Machine machine(random_pair(11));
  Session one = ready(machine, 5, 0);
  Session two = ready(machine, 5, 0);
  EXPECT_EQ(mean_ms(one, 50), mean_ms(two, 50));
  Session other = ready(machine, 6, 0);
  EXPECT_NE(mean_ms(one, 50), mean_ms(other, 50));

  Parts parts = quiet();
  parts.disturbance.load_offset = 0.01;
  const Machine offset(parts);
  Session first = ready(offset, 1);
  const double before = mean_ms(first, 3);
  ASSERT_TRUE(first.load(first.config().placement));
  ASSERT_TRUE(first.context({}));
  ASSERT_TRUE(first.first_decode());
  EXPECT_NE(mean_ms(first, 3), before);
  EXPECT_THAT(mean_ms(first, 3), DoubleNear(before, before * 0.021));
}

TEST(Session, AContinuedSessionGoesOnWhereTheOtherEnded) {
  const Machine machine(random_pair(11));
  Session whole = ready(machine, 5, 0);
  mean_ms(whole, 10);
  Session rest(machine, 5, whole.state());
  for (Session* session : {&whole, &rest}) {
    ASSERT_TRUE(session->load({}));
  }
  EXPECT_EQ(whole.state().seconds, rest.state().seconds);
  EXPECT_EQ(whole.state().loads, rest.state().loads);
}

TEST(Session, EverythingAdvancesTheClock) {
  const Machine machine(quiet());
  Session session(machine, 1);
  double before = 0;
  const auto advanced = [&] {
    const bool later = session.state().seconds > before;
    before = session.state().seconds;
    return later;
  };
  ASSERT_TRUE(session.load({}));
  EXPECT_TRUE(advanced());
  ASSERT_TRUE(session.context({}));
  EXPECT_TRUE(advanced());
  ASSERT_TRUE(session.first_decode());
  EXPECT_TRUE(advanced());
  ASSERT_TRUE(session.fill(1000));
  EXPECT_TRUE(advanced());
  session.generate(0);
  EXPECT_TRUE(advanced());
}

TEST(Session, ACacheIsFilledUpAndCutAsAWorkerDoesIt) {
  const Machine machine(quiet());
  Session session = ready(machine, 1);
  const double whole = *session.fill(1000);
  EXPECT_THAT(whole, Gt(0));
  EXPECT_EQ(*session.fill(1000), 0) << "it is there";
  EXPECT_THAT(*session.fill(1100), DoubleNear(whole / 10, whole / 20)) << "only what is missing";
  session.generate(1100);
  EXPECT_EQ(*session.fill(500), 0) << "cut";
}

TEST(Session, AnotherOneBesideItSharesWhatLasts) {
  const Machine machine(quiet());
  Session one = ready(machine, 1);
  Session other = one.beside();
  const double before = one.state().seconds;
  ASSERT_TRUE(other.load({}));
  EXPECT_THAT(one.state().seconds, Gt(before));
  EXPECT_EQ(one.state().loads, 2U);
  EXPECT_TRUE(one.has_context()) << "what it holds stays";
}

TEST(Session, ThrottlesAfterWorkAndSlowsWhileANeighbourIsThere) {
  Parts parts = quiet();
  parts.disturbance.throttle_after_seconds = 5;
  parts.disturbance.throttle_slowdown = 1.3;
  const Machine hot(parts);
  Session session = ready(hot, 1, 43);
  const double cool = session.generate(0).duration_ms;
  while (session.state().heat_seconds < 6) session.generate(0);
  EXPECT_THAT(session.generate(0).duration_ms, Gt(1.05 * cool));
  session.wait(600);
  EXPECT_THAT(session.generate(0).duration_ms, DoubleNear(cool, 1e-9)) << "it has cooled";

  parts = quiet();
  parts.disturbance.neighbour_after_seconds = 10;
  parts.disturbance.neighbour_seconds = 5;
  parts.disturbance.neighbour_share = 0.5;
  const Machine shared(parts);
  Session alone = ready(shared, 1, 0);
  const double before = alone.generate(0).duration_ms;
  alone.wait(11 - alone.state().seconds);
  EXPECT_THAT(alone.generate(0).duration_ms, Gt(1.5 * before));
  alone.wait(10);
  EXPECT_THAT(alone.generate(0).duration_ms, DoubleNear(before, 1e-9));
}

TEST(Session, FailsInThePhaseInWhichMemoryRunsOut) {
  Parts parts = quiet();
  parts.recorded = {};
  parts.device.memory_total_gb = 1;
  const Machine small(parts);
  Session session(small, 1);
  const auto load = session.load({});
  ASSERT_FALSE(load);
  EXPECT_EQ(load.error().phase, Phase::load);

  parts.device.memory_total_gb = 16;
  parts.device.pool_kb_per_ubatch_token = 1e5;
  const Machine growing(parts);
  Session late(growing, 1);
  ASSERT_TRUE(late.load({}));
  ASSERT_TRUE(late.context({}));
  const auto decode = late.first_decode();
  ASSERT_FALSE(decode);
  EXPECT_EQ(decode.error().phase, Phase::warm_up);
}

}  // namespace
}  // namespace sweetspot::fake
