#include "os/program.hpp"

#include <gtest/gtest.h>

namespace sweetspot::os {
namespace {

TEST(FindInPath, TakesTheFirstThatMayBeExecuted) {
  EXPECT_EQ(find_in_path("/no/such/folder:/bin:/usr/bin", "sh"), "/bin/sh");
  EXPECT_FALSE(find_in_path("/bin:/usr/bin", "no-such-program-anywhere"));
  EXPECT_FALSE(find_in_path("/etc", "passwd")) << "it may not be executed";
  EXPECT_FALSE(find_in_path("/", "bin")) << "a folder is no program";
}

TEST(FindInPath, PassesOverRelativeFolders) {
  EXPECT_FALSE(find_in_path("../bin:bin:.:", "sh"));
  EXPECT_FALSE(find_in_path("", "sh"));
}

}  // namespace
}  // namespace sweetspot::os
