#include "app/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace sweetspot::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(FindProgram, LooksInPathAndTakesPathsAsTheyAre) {
  const auto shell = find_program({"sh", "-c", "{model}"}, {});
  ASSERT_TRUE(shell);
  EXPECT_TRUE(shell->argv[0].starts_with("/"));
  EXPECT_TRUE(shell->argv[0].ends_with("/sh"));
  EXPECT_EQ(shell->kind, launch::ProgramKind::other);
  EXPECT_EQ(find_program({"/no/such/llama-server"}, {}).error().kind, ErrorKind::usage);
  EXPECT_EQ(find_program({"no-such-program-at-all"}, {}).error().kind, ErrorKind::usage);
}

TEST(FindProgram, OnlyLlamaCppsProgramsReadItsVariables) {
  const std::string server = testing::TempDir() + "llama-server";
  std::filesystem::remove(server);
  std::filesystem::create_symlink("/bin/sh", server);
  const std::vector<launch::Variable> variables = {{"LLAMA_ARG_CTX_SIZE", "512"},
                                                   {"ctx-size", "1024", "/etc/config.ini"}};
  EXPECT_THAT(find_program({server}, variables)->environment, ElementsAre("LLAMA_ARG_CTX_SIZE=512"))
      << "the lines of a config file are no variables";
  EXPECT_THAT(find_program({"sh"}, variables)->environment, IsEmpty());
  std::filesystem::remove(server);
}

}  // namespace
}  // namespace sweetspot::app
