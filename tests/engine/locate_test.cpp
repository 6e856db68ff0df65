#include "engine/locate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Locate : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "sweetspot-locate-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  std::string put(const std::string& path, bool executable = true) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << "#!/bin/sh\n";
    fs::permissions(root_ / path, executable ? fs::perms::owner_all : fs::perms::owner_read);
    return (root_ / path).string();
  }
  [[nodiscard]] std::string folder(const std::string& path) const {
    return (root_ / path).string();
  }

  fs::path root_;
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
  EXPECT_FALSE(locate_worker(root_.string(), {})) << "a folder is no program";
}

TEST_F(Locate, ThenTheOneBesideUsThenPath) {
  const std::string beside = put("own/sweetspot-worker");
  const std::string second = put("second/sweetspot-worker");
  put("first/sweetspot-worker", /*executable=*/false);
  const std::string path = folder("missing") + "::.:" + folder("first") + ":" + folder("second");
  EXPECT_EQ(locate_worker("", {folder("own"), path})->path, beside);
  EXPECT_EQ(locate_worker("", {folder("elsewhere"), path})->path, second);
}

TEST_F(Locate, NowhereIsAnErrorWithARemedy) {
  const auto found = locate_worker("", {folder("own"), folder("a") + ":" + folder("b")});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::internal);
  EXPECT_THAT(found.error().message, HasSubstr("sweetspot-worker"));
  EXPECT_FALSE(found.error().remedy.empty());
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
