// The loop with an asker that reads from a list.
#include "profiler/loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "profiler/plain_site.hpp"

namespace sweetspot::profiler {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class ListedAsks final : public Asker {
 public:
  explicit ListedAsks(std::vector<TrialAsk> asks) : asks_(std::move(asks)) {}

  std::optional<TrialAsk> ask() override {
    if (told.size() == asks_.size()) return std::nullopt;
    return asks_[told.size()];
  }
  void tell(const Trial& trial, std::size_t /*index*/) override {
    told.push_back(trial);
    if (on_tell) on_tell();
  }
  void record(Run& run, const std::string& ended) const override {
    run.notices.push_back("record: " + ended);
  }
  [[nodiscard]] std::string why_ended() const override { return "the list is through"; }

  std::vector<Trial> told;
  std::function<void()> on_tell;

 private:
  std::vector<TrialAsk> asks_;
};

TrialAsk layers(int count, Extent extent = Extent::full) {
  TrialAsk ask;
  ask.config.placement.n_gpu_layers = ask.layers = count;
  ask.extent = extent;
  ask.reason = "asked for";
  return ask;
}

struct LoopTest : testing::Test {
  LoopTest() {
    prepared.request.max_seconds = 1;
    prepared.request.workload.n_prompt = 0;
    prepared.run.model.n_layer = 2;
  }

  RunOutcome drive(ListedAsks& asker) {
    Loop loop(prepared, site, "custom", observer);
    loop.drive(asker);
    return loop.end();
  }

  test::Plain plain;
  test::PlainSite site{plain};
  Prepared prepared;
  Observer observer;
};

TEST_F(LoopTest, MeasuresWhatIsAskedAndTellsIt) {
  ListedAsks asker({layers(0), layers(1)});
  const RunOutcome outcome = drive(asker);
  ASSERT_THAT(outcome.run.results, SizeIs(2));
  ASSERT_THAT(asker.told, SizeIs(2));
  EXPECT_EQ(asker.told[1].layers, 1);
  EXPECT_TRUE(asker.told[1].measured());
  EXPECT_EQ(outcome.run.settings.mode, "custom");
  EXPECT_EQ(outcome.run.notices.back(), "record: the list is through");
  EXPECT_EQ(plain.starts, 2);
  EXPECT_EQ(plain.ended, 2);
}

TEST_F(LoopTest, KeepsTheModelForAnotherContextOfTheSamePlacement) {
  TrialAsk other = layers(1);
  other.config.context.n_ubatch = 64;
  ListedAsks asker({layers(1), other});
  drive(asker);
  EXPECT_EQ(plain.starts, 1);
}

TEST_F(LoopTest, LoadsAnewWhereThatIsAsked) {
  TrialAsk again = layers(1);
  again.loads_anew = true;
  ListedAsks asker({layers(1), again});
  drive(asker);
  EXPECT_EQ(plain.starts, 2);
}

TEST_F(LoopTest, CompletesTheLastTrialInsteadOfMeasuringItAgain) {
  TrialAsk rest = layers(1);
  rest.completes = true;
  rest.reason = "it won";
  ListedAsks asker({layers(1, Extent::generation_only), rest});
  const RunOutcome outcome = drive(asker);
  ASSERT_THAT(outcome.run.results, SizeIs(1));
  EXPECT_EQ(outcome.run.results[0].extent, Extent::full);
  EXPECT_EQ(outcome.run.results[0].full_depth, FullDepth::verified);
  EXPECT_EQ(outcome.run.results[0].reason, "asked for; it won");
  EXPECT_EQ(plain.starts, 1);
}

TEST_F(LoopTest, ATrialThatIsAnotherOneIsNotCompleted) {
  TrialAsk rest = layers(2);
  rest.completes = true;
  ListedAsks asker({layers(1, Extent::generation_only), rest});
  EXPECT_THAT(drive(asker).run.results, SizeIs(2));
}

TEST_F(LoopTest, WhatTrialsSayTogetherIsToldBeforeTheNextIsAsked) {
  plain.ms = [](int count) { return count == 2 ? 100.0 : 10.0; };
  ListedAsks asker({layers(1), layers(2)});
  drive(asker);
  ASSERT_THAT(asker.told, SizeIs(2));
  EXPECT_TRUE(asker.told[1].is(Disturbance::spilled)) << "ten times slower with a layer more";
}

TEST_F(LoopTest, ACancelledRunAsksNoMoreAndSaysSo) {
  ListedAsks asker({layers(0), layers(1), layers(2)});
  asker.on_tell = [this] { plain.cancelled = true; };
  const RunOutcome outcome = drive(asker);
  EXPECT_THAT(outcome.run.results, SizeIs(1));
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_FALSE(outcome.run.settings.complete);
  EXPECT_EQ(outcome.run.notices.back(), "record: interrupted");
}

TEST_F(LoopTest, ARefusedLoadDoesNotCountAsLoaded) {
  plain.load_failure = test::refused();
  ListedAsks asker({layers(1), layers(1)});
  const RunOutcome outcome = drive(asker);
  EXPECT_TRUE(outcome.run.results[1].failure);
  EXPECT_EQ(plain.starts, 2);
}

TEST_F(LoopTest, AHolderThatCannotBeEndedIsNotedOnItsTrial) {
  plain.ends = false;
  ListedAsks asker({layers(0), layers(1)});
  const RunOutcome outcome = drive(asker);
  EXPECT_TRUE(outcome.device_stuck);
  EXPECT_THAT(outcome.run.results[0].notes, testing::Contains(HasSubstr("could not be ended")));
  EXPECT_THAT(outcome.run.results[1].failure->message, HasSubstr("still holds the device"));
}

}  // namespace
}  // namespace sweetspot::profiler
