#include "report/numbers.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "golden/sample_run.hpp"

namespace sweetspot::report {
namespace {

Trial asked_for(int layers, std::vector<int> requested) {
  Trial trial;
  trial.layers = layers;
  trial.requested_layers = std::move(requested);
  return trial;
}

TEST(NumberText, KeepsThreeFigures) {
  EXPECT_EQ("8.21", number_text(8.214));
  EXPECT_EQ("35.2", number_text(35.21));
  EXPECT_EQ("152", number_text(152.4));
  EXPECT_EQ("812", number_text(812.4));
  EXPECT_EQ("1523", number_text(1523.4));
  EXPECT_EQ("0.00", number_text(0));
}

TEST(NumberText, ShowsNoNumberThatIsNone) {
  EXPECT_EQ("-", number_text(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_EQ("-", number_text(std::numeric_limits<double>::infinity()));
}

TEST(EstimateText, ShowsTheWiderHalfRoundedUp) {
  EXPECT_EQ("35.2 ±0.3", estimate_text({35.2, 34.9, 35.5}));
  EXPECT_EQ("35.2 ±0.6", estimate_text({35.2, 34.6, 35.3}));
  EXPECT_EQ("35.2 ±0.1", estimate_text({35.2, 35.199, 35.201}));
  EXPECT_EQ("35.2 ±0.0", estimate_text({35.2, 35.2, 35.2}));
  EXPECT_EQ("1523 ±13", estimate_text({1523, 1510.6, 1530}));
}

TEST(EstimateText, ShowsTheEndsOfASkewedInterval) {
  EXPECT_EQ("93 to 136", estimate_text({118.6, 92.7, 136.5}));
  EXPECT_EQ("18.1 to 34.0", estimate_text({20.2, 18.1, 34}));
  EXPECT_EQ("119 ±21", estimate_text({118.6, 98.0, 138.9}));
}

TEST(EstimateText, ShowsNoIntervalThatIsNone) {
  EXPECT_EQ("35.2", estimate_text({35.2, -std::numeric_limits<double>::infinity(), 40}));
}

TEST(PercentText, KeepsADecimalWhereItMatters) {
  EXPECT_EQ("76 %", percent_text(76.2));
  EXPECT_EQ("7.6 %", percent_text(7.61));
  EXPECT_EQ("10 %", percent_text(9.97));
  EXPECT_EQ("0 %", percent_text(0));
}

TEST(LayersText, ShowsRequestsThatDifferOrAreSeveral) {
  EXPECT_EQ("20", layers_text(asked_for(20, {20})));
  EXPECT_EQ("20", layers_text(asked_for(20, {})));
  EXPECT_EQ("33 (asked -1)", layers_text(asked_for(33, {-1})));
  EXPECT_EQ("33 (asked 33, -1)", layers_text(asked_for(33, {33, -1})));
  EXPECT_EQ("33 (asked 34, 35, 36, 37 and 2 more)",
            layers_text(asked_for(33, {34, 35, 36, 37, 38, -1})));
}

TEST(LayersInWords, AddsTheWord) {
  EXPECT_EQ("1 layer", layers_in_words(asked_for(1, {1})));
  EXPECT_EQ("33 layers (asked -1)", layers_in_words(asked_for(33, {-1})));
}

TEST(LayerCount, KnowsOne) {
  EXPECT_EQ("0 layers", layer_count(0));
  EXPECT_EQ("1 layer", layer_count(1));
}

TEST(FailureTail, NamesClassAndPhase) {
  EXPECT_EQ("failed: out-of-device-memory (context)",
            failure_tail(tests::troubled_run().results[2]));
}

}  // namespace
}  // namespace sweetspot::report
