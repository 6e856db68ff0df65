#include "engine/locate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "temporary_folder.hpp"

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Locate : public testing::Test {
 protected:
  std::string put(const std::string& path, bool executable = true) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << "#!/bin/sh\n";
    fs::permissions(root_ / path, executable ? fs::perms::owner_all : fs::perms::owner_read);
    return (root_ / path).string();
  }
  [[nodiscard]] std::string folder(const std::string& path) const {
    return (root_ / path).string();
  }

  tests::TemporaryFolder root_;
};

TEST_F(Locate, TheNamedProgramComesFirst) {
  const std::string named = put("named/other-worker");
  put("own/sweetspot-worker");
  const auto found = locate_worker(named, {folder("own"), ""});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, named);
}

TEST_F(Locate, ANamedProgramThatIsNotThereIsAnError) {
  put("own/sweetspot-worker");
  const auto found = locate_worker(folder("nothing"), {folder("own"), ""});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::usage);
  EXPECT_THAT(found.error().message, HasSubstr(folder("nothing")));
  EXPECT_FALSE(locate_worker(root_.path(), {})) << "a folder is no program";
}

TEST_F(Locate, ThenTheOneBesideUsThenPath) {
  const std::string beside = put("own/sweetspot-worker");
  const std::string second = put("second/sweetspot-worker");
  put("first/sweetspot-worker", /*executable=*/false);
  const std::string path = folder("missing") + "::.:" + folder("first") + ":" + folder("second");
  EXPECT_EQ(locate_worker("", {folder("own"), path})->path, beside);
  EXPECT_EQ(locate_worker("", {folder("elsewhere"), path})->path, second);
}

TEST_F(Locate, AnInstallationKeepsItInLibexec) {
  const std::string installed = put("prefix/libexec/sweetspot/sweetspot-worker");
  put("path/sweetspot-worker");
  EXPECT_EQ(locate_worker("", {folder("prefix/bin"), folder("path")})->path, installed);
  const std::string beside = put("prefix/bin/sweetspot-worker");
  EXPECT_EQ(locate_worker("", {folder("prefix/bin"), folder("path")})->path, beside);
}

TEST_F(Locate, LlamaProgramsComeFromPathThenFromOurOwnLlama) {
  const std::string installed = put("prefix/libexec/sweetspot/llama/bin/llama-server");
  const SearchPlaces places{folder("prefix/bin"), folder("path")};
  EXPECT_EQ(*locate_program("llama-server", places), installed);
  const std::string beside = put("prefix/bin/llama/bin/llama-server");
  EXPECT_EQ(*locate_program("llama-server", places), beside);
  const std::string in_path = put("path/llama-server");
  EXPECT_EQ(*locate_program("llama-server", places), in_path);
  EXPECT_EQ(locate_program("llama-cli", places).error().kind, ErrorKind::usage);
  EXPECT_FALSE(locate_program("llama-cli", {})) << "who does not know where it is looks nowhere";
}

TEST_F(Locate, NowhereIsAnErrorWithARemedy) {
  const auto found = locate_worker("", {folder("own"), folder("a") + ":" + folder("b")});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::device) << "a build may leave it out";
  EXPECT_THAT(found.error().message, HasSubstr("sweetspot-worker"));
  EXPECT_FALSE(found.error().remedy.empty());
  const auto adapter = locate_adapter({folder("own"), folder("a")});
  ASSERT_FALSE(adapter);
  EXPECT_EQ(adapter.error().kind, ErrorKind::internal) << "every build has it";
}

TEST_F(Locate, WithoutProcThatIsTheReason) {
  const auto found = locate_worker("", {"", folder("a")});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::host_limit);
  EXPECT_THAT(found.error().message, HasSubstr("/proc"));
}

TEST_F(Locate, OurOwnPlacesAreKnown) {
  EXPECT_TRUE(fs::is_directory(default_places().own_directory));
}

}  // namespace
}  // namespace sweetspot::engine
