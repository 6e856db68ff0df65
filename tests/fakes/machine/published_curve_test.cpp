#include "machine/published_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "machine/machine.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

using ::testing::DoubleNear;
using ::testing::Gt;
using ::testing::HasSubstr;

const std::vector<PublishedCurve>& published() {
  static const auto kCurves = read_curves(published_curves_path()).value();
  return kCurves;
}

const PublishedCurve& curve(const std::string& id) {
  return *std::find_if(published().begin(), published().end(),
                       [&](const PublishedCurve& one) { return one.id == id; });
}

Config offloading(int layers) {
  Config config;
  config.placement.n_gpu_layers = layers;
  return config;
}

TEST(PublishedCurves, EachRowComesBackOutOnEachCard) {
  ASSERT_EQ(published().size(), 17U);
  for (const PublishedCurve& one : published()) {
    for (const Card& card : cards()) {
      const Machine machine(machine_of(one, card));
      for (const auto& [layers, speed] : one.tokens_per_second) {
        const Config config = config_of(machine.parts(), layers);
        EXPECT_THAT(1000 / machine.generation_ms(config, 0), DoubleNear(speed, 1e-6))
            << machine.parts().name << ", " << layers;
      }
      for (const auto& [layers, speed] : one.prompt_tokens_per_second) {
        const Config config = config_of(machine.parts(), layers);
        EXPECT_THAT(1000 / machine.prompt_ms_per_token(config, 512, 0), DoubleNear(speed, 1e-6));
      }
    }
  }
}

TEST(PublishedCurves, AsPublishedTheMemoryIsThatOfTheTable) {
  const Machine machine(machine_of(curve("rtx5060ti-qwen14b"), cards().front()));
  EXPECT_THAT(machine.vram_percent(offloading(32)), DoubleNear(100 * 6241.0 / (16 * 1024), 0.1));
  EXPECT_THAT(machine.vram_percent(offloading(20)),
              DoubleNear(100 * (3509 + 4875) / 2.0 / (16 * 1024), 0.1));
}

TEST(PublishedCurves, ACliffIsVerticalAndWhatLiesBehindItIsNotSafe) {
  const Machine machine(machine_of(curve("rtx4080-qwen35-27b"), {"wide", 0.6}));
  EXPECT_THAT(1000 / machine.generation_ms(offloading(56), 0), DoubleNear(13.96, 1e-6));
  EXPECT_THAT(1000 / machine.generation_ms(offloading(57), 0), DoubleNear(4.21, 1e-6));
  EXPECT_TRUE(machine.is_safe(offloading(56)));
  EXPECT_FALSE(machine.is_safe(offloading(57)));
  EXPECT_FALSE(machine.failure(offloading(65))) << "it pages, it does not fail";
  EXPECT_THAT(machine.prompt_ms_per_token(offloading(57), 512, 0),
              Gt(2 * machine.prompt_ms_per_token(offloading(56), 512, 0)))
      << "no prompt was published: it slows down as generation does";
}

TEST(PublishedCurves, WhereItRanOutOfMemoryItDoes) {
  const Machine machine(machine_of(curve("rx6700xt-qwen30b-ngl"), {"wide", 0.6}));
  EXPECT_FALSE(machine.failure(offloading(30)));
  EXPECT_EQ(machine.failure(offloading(31))->failure_class, FailureClass::out_of_device_memory);
}

TEST(PublishedCurves, ExpertsAreCountedByWhatStaysOnTheCpu) {
  const PublishedCurve& experts = curve("rx6700xt-qwen30b-ncmoe");
  Machine machine(machine_of(experts, cards().front()));
  Config config = offloading(-1);
  config.placement.n_cpu_moe = 20;
  EXPECT_THAT(1000 / machine.generation_ms(config, 0), DoubleNear(31.4, 1e-6));
  Noise as_layers;
  as_layers.experts_on_cpu = false;
  machine = Machine(machine_of(experts, cards().front(), as_layers));
  EXPECT_THAT(1000 / machine.generation_ms(offloading(28), 0), DoubleNear(31.4, 1e-6));
}

TEST(PublishedCurves, AFileThatIsNoneIsNamed) {
  const auto curves = read_curves("/no/such/curves.json");
  ASSERT_FALSE(curves);
  EXPECT_THAT(curves.error().message, HasSubstr("/no/such/curves.json"));
}

}  // namespace
}  // namespace sweetspot::fake
