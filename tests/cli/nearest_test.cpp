#include "cli/nearest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sweetspot::cli {
namespace {

const std::vector<std::string> kWords = {"profile", "profiles",   "plan",           "tune",
                                         "launch",  "--ctx-size", "--cache-type-k", "--no-store",
                                         "-c",      "-V"};

std::string meant(std::string_view typed) { return nearest(typed, kWords).value_or("nothing"); }

TEST(EditDistance, CountsLettersAddedTakenReplacedAndSwapped) {
  EXPECT_EQ(0U, edit_distance("plan", "plan"));
  EXPECT_EQ(1U, edit_distance("plan", "plans"));
  EXPECT_EQ(1U, edit_distance("plan", "pla"));
  EXPECT_EQ(1U, edit_distance("plan", "flan"));
  EXPECT_EQ(1U, edit_distance("plan", "paln"));
  EXPECT_EQ(4U, edit_distance("", "plan"));
  EXPECT_EQ(edit_distance("launch", "tune"), edit_distance("tune", "launch"));
}

TEST(Nearest, FindsWhatWasMistyped) {
  EXPECT_EQ("profile", meant("profil"));
  EXPECT_EQ("profile", meant("porfile"));
  EXPECT_EQ("launch", meant("lanch"));
  EXPECT_EQ("--ctx-size", meant("--ctx-sice"));
  EXPECT_EQ("--no-store", meant("--nostore"));
}

TEST(Nearest, FindsWhatWasBegunAndWhatIsOnlyInAnotherCase) {
  EXPECT_EQ("--ctx-size", meant("--ctx"));
  EXPECT_EQ("--cache-type-k", meant("--cache"));
  EXPECT_EQ("-V", meant("-v"));
}

TEST(Nearest, GuessesNothingFromFarAway) {
  EXPECT_EQ("nothing", meant("measure"));
  EXPECT_EQ("nothing", meant("--frobnicate"));
  EXPECT_EQ("nothing", meant(std::string(100000, 'p')));
  EXPECT_FALSE(nearest("x", {}));
}

}  // namespace
}  // namespace sweetspot::cli
