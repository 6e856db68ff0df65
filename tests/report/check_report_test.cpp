#include "report/check_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::report {
namespace {

using compare::Finding;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

compare::SpeedPair pair_of(Finding finding, double ratio, double half_width) {
  compare::SpeedPair pair;
  pair.what = "fast";
  pair.layers_a = pair.layers_b = 20;
  pair.a = {50, 49.5, 50.5};
  pair.b = {50 * ratio, 49.5 * ratio, 50.5 * ratio};
  pair.ratio = {ratio, ratio * (1 - half_width), ratio * (1 + half_width)};
  pair.finding = finding;
  return pair;
}

Trial measured() {
  Trial trial;
  trial.generation = Speed{};
  trial.generation->tokens_per_second = {50, 49.5, 50.5};
  return trial;
}

std::string text_of(const compare::Comparison& comparison, const Trial& trial = measured()) {
  ProfileSet before;
  before.created_at = "2026-11-01T00:00:00Z";
  return check_report(comparison, before, "fast", trial, "sweetspot profile m.gguf", {});
}

TEST(CheckReport, OfWhatIsAsItWasSaysSo) {
  compare::Comparison comparison;
  comparison.profiles = {pair_of(Finding::equal, 1.001, 0.02)};
  comparison.memory = {{"fast on CUDA0", 1000, 1005}};
  const std::string text = text_of(comparison);
  EXPECT_THAT(text, StartsWith("fast still holds: generation the same; memory as before"));
  EXPECT_THAT(text, Not(HasSubstr("Measure anew")));
}

TEST(CheckReport, OfWhatCannotBeToldDoesNotClaimThatItHolds) {
  compare::Comparison comparison;
  comparison.profiles = {pair_of(Finding::open, 0.97, 0.1)};
  EXPECT_THAT(
      text_of(comparison),
      StartsWith("fast holds as far as can be told: generation cannot be told apart at 13 %"));
}

TEST(CheckReport, OfWhatIsSlowerNamesWhatToDo) {
  compare::Comparison comparison;
  comparison.profiles = {pair_of(Finding::slower, 0.8, 0.04)};
  comparison.differences = {{"driver of CUDA0", "550.54", "560.35"}};
  const std::string text = text_of(comparison);
  EXPECT_THAT(text, StartsWith("fast does not hold any more: generation 20.0 % slower"));
  EXPECT_THAT(text, HasSubstr("560.35"));
  EXPECT_THAT(text, HasSubstr("Measure anew: sweetspot profile m.gguf"));
}

TEST(CheckReport, OfWhatTakesMoreMemorySaysSo) {
  compare::Comparison comparison;
  comparison.profiles = {pair_of(Finding::equal, 1, 0.02)};
  comparison.memory = {{"fast on CUDA0", 1000, 1100}};
  EXPECT_THAT(text_of(comparison),
              StartsWith("fast does not hold any more: generation the same; it takes more memory"));
}

TEST(CheckReport, OfWhatFailedSaysWhy) {
  Trial trial;
  trial.failure = Failure{};
  trial.failure->message = "out of memory";
  EXPECT_THAT(text_of({}, trial), StartsWith("fast does not hold any more: out of memory"));
}

}  // namespace
}  // namespace sweetspot::report
