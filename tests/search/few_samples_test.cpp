#include "search/few_samples.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "search/tune_fixtures.hpp"

namespace sweetspot::search {
namespace {

using test::config_of;
using test::trial_of;

// A prompt measured with these times per token, in an interval as wide as convention has it.
Trial prompt_of(const std::vector<double>& ms, double precision = 0.7) {
  Trial trial = trial_of(config_of(0), 100, 5, precision);
  trial.prompt->samples = static_cast<std::uint32_t>(ms.size());
  for (const double one : ms) trial.prompt->raw.push_back({0, one * 512, 512});
  return trial;
}

double width(const Trial& trial) {
  const Estimate& ms = trial.prompt->ms_per_token;
  return (ms.high - ms.low) / ms.value;
}

TEST(FewSamples, AreBelievedWhereTheyAgree) {
  const Trial two = believed(prompt_of({5, 5.02}));
  EXPECT_LT(width(two), 0.1);
  EXPECT_GT(width(two), 0.02);
  EXPECT_DOUBLE_EQ(two.prompt->ms_per_token.value, 5);
}

TEST(FewSamples, EvenOneSaysMoreThanHalfToDouble) {
  const double one = width(believed(prompt_of({5})));
  EXPECT_LT(one, 0.15);
  EXPECT_GT(one, width(believed(prompt_of({5, 5, 5}))));
}

TEST(FewSamples, WhereTheyDisagreeTheIntervalIsWider) {
  EXPECT_GT(width(believed(prompt_of({4, 5, 6}))), 2 * width(believed(prompt_of({5, 5, 5}))));
}

TEST(FewSamples, NeverWidenAnInterval) {
  EXPECT_NEAR(width(believed(prompt_of({4, 5, 6}, 0.001))), 0.002, 1e-12);
}

TEST(FewSamples, ManySpeakForThemselves) {
  EXPECT_DOUBLE_EQ(width(believed(prompt_of(std::vector<double>(8, 5)))), 1.4);
}

TEST(FewSamples, WithoutTheSamplesThemselvesNothingChanges) {
  Trial trial = prompt_of({5, 5});
  trial.prompt->raw.clear();
  EXPECT_DOUBLE_EQ(width(believed(trial)), 1.4);
  trial.prompt.reset();
  EXPECT_FALSE(believed(trial).prompt);
}

TEST(FewSamples, WarmUpIsLeftOut) {
  Trial trial = prompt_of({9, 5, 5});
  trial.prompt->samples = 2;
  trial.prompt->warm_up_cut = 1;
  EXPECT_LT(width(believed(trial)), 0.1);
}

}  // namespace
}  // namespace sweetspot::search
