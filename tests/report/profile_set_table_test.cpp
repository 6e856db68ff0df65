#include "report/profile_set_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/text.hpp"
#include "golden/sample_run.hpp"
#include "golden/sample_set.hpp"
#include "report/texts.hpp"

namespace sweetspot::report {
namespace {

using test::golden;
using test::kPlain;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using tests::measured_set;
using tests::planned_set;

constexpr Style kWide{false, 200};

// To accept what is printed now, copy it.
TEST(ProfileSetTable, ShowsTheProfilesOfASet) {
  tests::expect_golden("profiles_shown.txt", profile_set_text(measured_set(), {}, kPlain));
}

TEST(ProfileSetTable, ShowsWhatIsNotKnownAsADash) {
  const std::string text = profile_set_text(planned_set(), {}, kWide);
  EXPECT_THAT(text, AllOf(HasSubstr("3.00 GiB + 2.00 GiB"), HasSubstr("planned"),
                          HasSubstr("defaults"), HasSubstr("RPC1 -"), HasSubstr("none")));
}

TEST(ProfileSetTable, SaysWhatIsHeldAgainstAProfileAndHowToForgetIt) {
  const std::string text = profile_set_text(
      measured_set(), {{"fast", "llama-server --embedding", "it crashed the last two times"}},
      kWide);
  EXPECT_THAT(text, AllOf(HasSubstr("fast is avoided for llama-server --embedding: it crashed"),
                          HasSubstr("profiles forget")));
  EXPECT_THAT(profile_set_text(measured_set(), {}, kWide), Not(HasSubstr("forget")));
}

// What only reads has no speed of generation, and shows the one it has.
TEST(ProfileSetTable, ShowsTheSpeedOfReading) {
  ProfileSet set = measured_set();
  set.workload.n_gen = 0;
  for (SavedProfile& profile : set.profiles) {
    profile.config.context.embeddings = true;
    profile.tokens_per_second = Absence{"the model only reads"};
    profile.prompt_tokens_per_second = Estimate{4321, 4300, 4340};
  }
  const std::string text = profile_set_text(set, {}, kWide);
  EXPECT_THAT(text, AllOf(HasSubstr("4321"), HasSubstr("inputs of 512 tokens"),
                          Not(HasSubstr("0 generated"))));
}

TEST(ProfileSetTable, ListsTheSetsAndTheirFaults) {
  const std::vector<ListedSet> sets = {
      {"a.json", measured_set()},
      {"b.json", error(ErrorKind::output, "b.json was made by a newer sweetspot")},
      {"c.json", planned_set()}};
  const std::string text = profile_sets_table(sets, kWide);
  EXPECT_THAT(
      text, AllOf(HasSubstr("zephyr-7b-beta"), HasSubstr("a.json"), HasSubstr("c.json"),
                  HasSubstr("b.json was made by a newer sweetspot"), HasSubstr("CUDA0 6.00 GiB")));
  EXPECT_EQ(profile_sets_table({}, kPlain), "");
}

TEST(ProfileSetTable, HostileTextsCannotAct) {
  ProfileSet set = planned_set();
  const std::string hostile = tests::hostile_text();
  set.model.path = set.created_at = set.fingerprint.tool = set.fingerprint.llama_cpp = hostile;
  for (SetDevice& device : set.devices) device.id = hostile;
  for (SavedProfile& profile : set.profiles) {
    profile.name = profile.recommended_for = profile.evidence = hostile;
  }
  set.reports[0].profile = set.reports[0].at = hostile;
  for (const int width : {20, 60, 100, 400}) {
    const Style style{false, width};
    for (const std::string& text :
         {profile_set_text(set, {{hostile, hostile, hostile}}, style),
          profile_sets_table({{hostile, set}}, style),
          profile_sets_table({{"x", error(ErrorKind::output, hostile)}}, style)}) {
      EXPECT_THAT(text, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xe2\x80\xae")),
                              Not(HasSubstr("\x07"))));
      EXPECT_TRUE(is_utf8(text));
    }
  }
}

}  // namespace
}  // namespace sweetspot::report
