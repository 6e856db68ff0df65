#include "profiles/spill.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profiles/trials.hpp"

namespace sweetspot::profiles {
namespace {

using ::testing::ElementsAre;
using testing::failed_trial;
using ::testing::IsEmpty;
using testing::trial;

TEST(FindSpills, SeesACliff) {
  const auto spills =
      find_spills({trial(0, 5, 10), trial(20, 60, 30), trial(24, 75, 34), trial(28, 80, 8.3)});
  ASSERT_EQ(spills.size(), 1U);
  EXPECT_EQ(spills[0].index, 3U);
  EXPECT_EQ(spills[0].note, "spilled: 4.1 times slower than with 24 layers");
}

TEST(FindSpills, SeesEverythingBeyondTheCliffInAnyOrder) {
  const auto spills = find_spills({trial(33, 95, 9), trial(28, 80, 8), trial(24, 75, 34)});
  ASSERT_EQ(spills.size(), 2U);
  EXPECT_EQ(spills[0].index, 0U);
  EXPECT_EQ(spills[1].index, 1U);
}

TEST(FindSpills, ThreeTimesSlowerIsNotYetACliff) {
  EXPECT_THAT(find_spills({trial(24, 75, 30), trial(28, 80, 10)}), IsEmpty());
}

TEST(FindSpills, ADeviceSlowerThanTheCpuIsNotASpill) {
  EXPECT_THAT(find_spills({trial(0, 5, 100), trial(1, 10, 9), trial(2, 12, 8)}), IsEmpty());
}

TEST(FindSpills, AHalfEmptyDeviceHasNothingToMove) {
  EXPECT_THAT(find_spills({trial(1, 5, 30), trial(20, 55, 3)}), IsEmpty());
}

// Of a tune: a cache in host memory slows prompts down, and so does what of the layers is kept.
TEST(FindSpills, OnlyLayersMayDiffer) {
  std::vector<Trial> trials = {trial(20, 60, 30), trial(30, 80, 5)};
  trials[1].config.context.kv_offload = false;
  EXPECT_THAT(find_spills(trials), IsEmpty());
  trials[1].config = trials[0].config;
  trials[1].config.placement.n_gpu_layers = 30;
  trials[1].config.placement.n_cpu_moe = 20;
  EXPECT_THAT(find_spills(trials), IsEmpty());
}

TEST(FindSpills, LooksAtMeasuredTrialsOnly) {
  EXPECT_THAT(find_spills({failed_trial(10, FailureClass::crashed), trial(20, 60, 30),
                           failed_trial(30, FailureClass::out_of_device_memory)}),
              IsEmpty());
}

TEST(FindSpills, ATrialThatStarvedForAProcessorTellsOfNoMemory) {
  std::vector<Trial> trials = {trial(24, 75, 34), trial(28, 80, 3)};
  trials[1].mark_contended(Contended::device);
  EXPECT_THAT(find_spills(trials), ::testing::SizeIs(1));
  trials[1].mark_contended(Contended::processor);
  EXPECT_THAT(find_spills(trials), IsEmpty());
}

TEST(FindSpills, ASpeedThatIsAnybodysGuessTellsOfNoMemory) {
  EXPECT_THAT(find_spills({trial(24, 75, 34), trial(28, 80, 3, 0.6)}), IsEmpty());
  EXPECT_THAT(find_spills({trial(24, 75, 34, 0.6), trial(28, 80, 3)}), IsEmpty());
}

Trial with_prompt(Trial trial, double tokens_per_second, double relative = 0.01) {
  Speed speed;
  speed.tokens_per_second = {tokens_per_second, tokens_per_second * (1 - relative),
                             tokens_per_second * (1 + relative)};
  trial.prompt = speed;
  return trial;
}

// Generation hardly moves where prompts fall to a third.
TEST(FindSpills, SeesACliffThatOnlyPromptsShow) {
  const auto spills =
      find_spills({with_prompt(trial(0, 0, 4), 30), with_prompt(trial(36, 70, 9), 126),
                   with_prompt(trial(44, 84, 11.2), 59)});
  ASSERT_EQ(spills.size(), 1U);
  EXPECT_EQ(spills[0].index, 2U);
  EXPECT_EQ(spills[0].note, "spilled: reads prompts 2.1 times slower than with 36 layers");
}

TEST(FindSpills, ADeviceThatRanOutOfMemoryWasFullWhateverItsDriverSays) {
  std::vector<Trial> trials = {trial(36, 40, 30), trial(44, 55, 9)};
  EXPECT_THAT(find_spills(trials), IsEmpty()) << "half of it was free";
  trials.push_back(failed_trial(49, FailureClass::out_of_device_memory));
  EXPECT_EQ(find_spills(trials).size(), 1U);
}

TEST(FindSpills, PromptsThatTheCpuReadsFasterTellNothing) {
  EXPECT_THAT(find_spills({with_prompt(trial(0, 0, 4), 300), with_prompt(trial(10, 62, 9), 126),
                           with_prompt(trial(44, 84, 11.2), 59)}),
              IsEmpty());
  EXPECT_THAT(
      find_spills({with_prompt(trial(36, 70, 9), 126), with_prompt(trial(44, 84, 11.2), 90)}),
      IsEmpty());
}

TEST(FindSpills, OnePassOfASlowPromptIsEnough) {
  EXPECT_THAT(
      find_spills({with_prompt(trial(36, 70, 9), 126), with_prompt(trial(44, 84, 11.2), 59, 0.6)}),
      ::testing::SizeIs(1));
}

TEST(Spilled, BelievesAMarkAndNoNote) {
  std::vector<Trial> trials = {trial(10, 40, 20), trial(20, 60, 30), trial(24, 70, 5)};
  trials[0].notes = {"spilled: words are for people"};
  trials[1].mark(Disturbance::spilled);
  EXPECT_THAT(spilled(trials), ElementsAre(false, true, true));
}

}  // namespace
}  // namespace sweetspot::profiles
