#include "report/layer_chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden/sample_run.hpp"
#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using sweetspot::tests::adaptive_run;
using sweetspot::tests::mission_run;
using test::lines_of;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::Not;

TEST(LayerChart, HasAColumnForWhatWasMeasuredAndADotForWhatIsPredicted) {
  const std::string chart = layer_chart(adaptive_run(), {});
  EXPECT_THAT(chart, HasSubstr("█"));
  EXPECT_THAT(chart, HasSubstr("·"));
  EXPECT_THAT(chart, HasSubstr("│"));
  EXPECT_THAT(lines_of(chart).size(), Le(9U));
  EXPECT_THAT(layer_chart(mission_run(), {}), Not(HasSubstr("·"))) << "nothing is predicted there";
}

TEST(LayerChart, FitsIntoTheTerminal) {
  Style narrow;
  narrow.width = 60;
  for (const std::string& line : lines_of(layer_chart(adaptive_run(), narrow))) {
    EXPECT_THAT(display_width(line), Le(62)) << line;
  }
  narrow.width = 20;
  EXPECT_THAT(layer_chart(adaptive_run(), narrow), IsEmpty());
}

TEST(LayerChart, OfOneCountIsNone) {
  sweetspot::Run run = mission_run();
  run.results.resize(1);
  EXPECT_THAT(layer_chart(run, {}), IsEmpty());
}

}  // namespace
}  // namespace sweetspot::report
