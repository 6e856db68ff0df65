#include "profiler/held_model.hpp"

#include <gtest/gtest.h>

#include "profiler/plain_site.hpp"

namespace sweetspot::profiler {
namespace {

struct HeldModelTest : testing::Test {
  test::Plain plain;
  test::PlainSite site{plain};
  ModelInfo model;
  HeldModel held{site, model};
};

Placement with_layers(int layers) {
  Placement placement;
  placement.n_gpu_layers = layers;
  return placement;
}

TEST_F(HeldModelTest, HoldsThePlacementAndTheContextItWasGiven) {
  EXPECT_FALSE(held.stands());
  ASSERT_TRUE(held.start(with_layers(3)));
  EXPECT_TRUE(held.holds(with_layers(3)));
  EXPECT_FALSE(held.holds(with_layers(4)));
  EXPECT_FALSE(held.is_sound()) << "nothing is loaded";
  ASSERT_TRUE(held.load({}));
  EXPECT_TRUE(held.is_sound());
  const Config config{with_layers(3), {}};
  EXPECT_FALSE(held.holds(config)) << "no context yet";
  ASSERT_TRUE(held.make_context(config.context));
  EXPECT_TRUE(held.holds(config));
}

TEST_F(HeldModelTest, AContextThatCostsALoadIsMadeOnce) {
  plain.keeps_weights = false;
  plain.memory = {{"CPU", 1, 2, 3}};
  ASSERT_TRUE(held.start(with_layers(3)));
  ASSERT_TRUE(held.load({}));
  ASSERT_TRUE(held.make_context({}));
  const auto again = held.make_context({});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->memory, plain.memory);
  EXPECT_EQ(plain.contexts, 1);
  ContextSettings other;
  other.n_ctx = 512;
  ASSERT_TRUE(held.make_context(other));
  ASSERT_TRUE(held.make_context({}));
  EXPECT_EQ(plain.contexts, 3);
}

TEST_F(HeldModelTest, AContextThatCostsNothingIsMadeAnew) {
  ASSERT_TRUE(held.start(with_layers(3)));
  ASSERT_TRUE(held.load({}));
  ASSERT_TRUE(held.make_context({}));
  ASSERT_TRUE(held.make_context({}));
  EXPECT_EQ(plain.contexts, 2);
}

TEST_F(HeldModelTest, ALoadThatIsRefusedLeavesNothingLoaded) {
  plain.load_failure = test::refused();
  ASSERT_TRUE(held.start(with_layers(3)));
  EXPECT_FALSE(held.load({}));
  EXPECT_TRUE(held.stands());
  EXPECT_FALSE(held.is_sound());
}

TEST_F(HeldModelTest, StandsNotWhereNobodyCouldBeStarted) {
  plain.start_failure = test::refused();
  EXPECT_FALSE(held.start(with_layers(3)));
  EXPECT_FALSE(held.stands());
  EXPECT_TRUE(held.release()) << "there is nothing to end";
}

TEST_F(HeldModelTest, IsStuckForGoodAfterAHolderThatCouldNotBeEnded) {
  ASSERT_TRUE(held.start(with_layers(3)));
  plain.ends = false;
  EXPECT_FALSE(held.release());
  EXPECT_TRUE(held.stuck());
  EXPECT_FALSE(held.stands());
  plain.ends = true;
  ASSERT_TRUE(held.start(with_layers(0)));
  EXPECT_TRUE(held.release());
  EXPECT_TRUE(held.stuck());
}

TEST_F(HeldModelTest, ANewHolderKeepsNoReference) {
  ASSERT_TRUE(held.start(with_layers(3)));
  held.reference_is_kept();
  EXPECT_TRUE(held.keeps_reference());
  held.release();
  ASSERT_TRUE(held.start(with_layers(3)));
  EXPECT_FALSE(held.keeps_reference());
}

}  // namespace
}  // namespace sweetspot::profiler
