#include "servers/find.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "servers/written_program.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::servers {
namespace {

using tests::TemporaryFolder;

TEST(FindServers, InPathHomebrewOllamaAndTheUsualFolders) {
  const TemporaryFolder folder;
  const std::string root = folder.path();
  const std::string first = written_program(root + "/first/llama-server", "");
  const std::string brew =
      written_program(root + "/home/linuxbrew/.linuxbrew/bin/llama-server", "");
  const std::string ollama = written_program(root + "/usr/local/lib/ollama/llama-server", "");
  const std::string built = written_program(root + "/me/llama.cpp/build/bin/llama-server", "");
  const std::string ours = written_program(root + "/ours/llama-server", "");
  std::filesystem::create_symlink(built, root + "/second");
  std::filesystem::create_directory(root + "/links");
  std::filesystem::create_symlink(first, root + "/links/llama-server");

  const auto found = find_servers(
      {root + "/first:relative:" + root + "/links", root + "/me", root + "/", root + "/ours"});
  std::vector<std::string> lines;
  for (const Found& each : found) lines.push_back(each.command.argv.front() + " " + each.where);
  EXPECT_THAT(lines,
              ::testing::ElementsAre(first + " PATH", brew + " Homebrew", ollama + " beside Ollama",
                                     built + " ~/llama.cpp", ours + " with sweetspot"))
      << "a link to one that was found is not another";
}

TEST(FindServers, NowhereIsNothing) {
  const TemporaryFolder folder;
  EXPECT_TRUE(find_servers({"", "", folder.path() + "/", ""}).empty());
}

}  // namespace
}  // namespace sweetspot::servers
