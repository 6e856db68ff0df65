#include "plan/pattern.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweetspot::plan {
namespace {

using ::testing::ElementsAre;

/// A cell with so much on the device, or without the device.
PlannedMemory cell(std::uint64_t context_bytes, std::uint64_t compute_bytes) {
  return {{{"CPU", 1, 0, 0, 0}, {"GPU0", 1, context_bytes, compute_bytes, 0}}, 256, {}};
}
const PlannedMemory kWithout = {{{"CPU", 1, 0, 0, 0}}, 256, {}};

TEST(Pattern, ShowsRunsAndClasses) {
  const std::vector<PlannedMemory> small = {kWithout,   cell(0, 7), cell(2, 7),
                                            cell(4, 7), cell(6, 7), cell(8, 9)};
  std::vector<PlannedMemory> large = small;
  large[3].memory[1].context_bytes += 1;  // there the steps 2 -> 3 and 3 -> 4 are others
  large[2].memory[1].compute_bytes += 1;  // there the run of 7 breaks
  const auto pattern = read_pattern({small, large});
  ASSERT_TRUE(pattern);
  EXPECT_THAT(pattern->run, ElementsAre(0, 1, 2, 3, 3, 4));
  EXPECT_THAT(pattern->step_class, ElementsAre(0, 1, 2, 3, 1));
  const auto alone = read_pattern({small});
  ASSERT_TRUE(alone);
  EXPECT_THAT(alone->run, ElementsAre(0, 1, 1, 1, 1, 2));
  EXPECT_THAT(alone->step_class, ElementsAre(0, 1, 1, 1, 1));
}

TEST(Pattern, IsTakenFromNoColumnThatWasRefusedOrHasOtherWeights) {
  const std::vector<PlannedMemory> good = {cell(1, 1), cell(2, 1)};
  std::vector<PlannedMemory> refused = good;
  refused[1] = {{}, 0, "no"};
  std::vector<PlannedMemory> heavier = good;
  heavier[1].memory[0].mapped_bytes = 1;
  EXPECT_TRUE(read_pattern({good, good}));
  EXPECT_FALSE(read_pattern({refused, refused}));
  EXPECT_FALSE(read_pattern({good, heavier}));
}

TEST(Pattern, TellsWhereToAsk) {
  EXPECT_THAT(telling_places({{0}, {}}), ElementsAre(0));
  EXPECT_THAT(telling_places({{0, 0, 0, 0, 0}, {0, 0, 0, 0}}), ElementsAre(0, 1, 4));
  // Steps that share an end with what is asked anyway are taken before others.
  EXPECT_THAT(telling_places({{0, 0, 0, 0, 1, 1, 1, 1}, {0, 1, 0, 2, 1, 1, 1}}),
              ElementsAre(0, 1, 3, 4, 5, 7));
}

TEST(Reconstruct, MakesTheRestFromStepsAndRuns) {
  const Pattern pattern{{0, 0, 0, 0}, {0, 0, 0}};
  const std::vector<PlannedMemory> weights(4, cell(0, 0));
  const std::vector<PlannedMemory> column = {cell(5, 3), cell(7, 3), {}, cell(11, 3)};
  const auto whole = reconstruct(pattern, weights, column, {true, true, false, true});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->at(2), cell(9, 3));
  std::vector<PlannedMemory> other_end = column;
  other_end[3] = cell(11, 4);
  EXPECT_FALSE(reconstruct(pattern, weights, other_end, {true, true, false, true}));
}

TEST(Reconstruct, PutsNothingOnADeviceThatIsNotThere) {
  // Between 3 and 5 the steps lead over a device that holds nothing at those counts.
  const Pattern pattern{{0, 0, 0, 1, 1, 1}, {0, 1, 2, 0, 1}};
  const std::vector<PlannedMemory> weights = {cell(5, 1), cell(5, 1), cell(5, 1),
                                              kWithout,   kWithout,   kWithout};
  const std::vector<PlannedMemory> column = {cell(5, 1), cell(15, 1), cell(5, 1),
                                             kWithout,   {},          kWithout};
  EXPECT_FALSE(reconstruct(pattern, weights, column, {true, true, true, true, false, true}));
}

TEST(Reconstruct, PutsNoLessThanNothing) {
  const Pattern pattern{{0, 0, 0, 0, 0, 0}, {0, 1, 2, 0, 1}};
  const std::vector<PlannedMemory> weights(6, cell(0, 0));
  const std::vector<PlannedMemory> column = {cell(9, 1), cell(2, 1), cell(9, 1),
                                             cell(5, 1), {},         cell(5, 1)};
  EXPECT_FALSE(reconstruct(pattern, weights, column, {true, true, true, true, false, true}));
}

}  // namespace
}  // namespace sweetspot::plan
