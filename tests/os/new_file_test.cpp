#include "os/new_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include "temporary_folder.hpp"

namespace sweetspot::os {
namespace {

using tests::read_file;

constexpr mode_t kMode = 0644;

// A test of either way to be unfinished.
class NewFileEitherWay : public testing::TestWithParam<Unfinished> {
 protected:
  [[nodiscard]] tl::expected<NewFile, int> create(
      const FileCalls& calls = system_file_calls()) const {
    return NewFile::create(path(), GetParam(), kMode, calls);
  }
  [[nodiscard]] std::string path() const { return folder_.file("a"); }

  tests::TemporaryFolder folder_;  // NOLINT(readability-identifier-naming): protected for the tests
};

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST_P(NewFileEitherWay, AppearsOnlyWhenItIsCommitted) {
  std::ofstream(path()) << "older and longer";
  auto file = create();
  ASSERT_TRUE(file);
  EXPECT_EQ(file->reserve(5), 0);
  EXPECT_EQ(file->write(bytes_of("hel")), 0);
  EXPECT_EQ(file->write(bytes_of("lo")), 0);
  EXPECT_EQ(read_file(path()), "older and longer");
  EXPECT_EQ(file->commit(), 0);
  EXPECT_EQ(file->get(), -1);
  EXPECT_EQ(file->sync_name(), 0);
  EXPECT_EQ(read_file(path()), "hello");
  EXPECT_EQ(folder_.entries(), 1U);
}

TEST_P(NewFileEitherWay, LeavesNothingWhenItIsNotCommitted) {
  {
    auto file = create();
    ASSERT_TRUE(file);
    EXPECT_EQ(file->write(bytes_of("hello")), 0);
    const NewFile moved = *std::move(file);
  }
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_P(NewFileEitherWay, AFailedRenameLeavesWhatWasThere) {
  std::ofstream(path()) << "old";
  FileCalls calls = system_file_calls();
  calls.rename = [](const char*, const char*) {
    errno = EROFS;
    return -1;
  };
  {
    auto file = create(calls);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->write(bytes_of("new")), 0);
    EXPECT_EQ(file->commit(), EROFS);
  }
  EXPECT_EQ(read_file(path()), "old");
  EXPECT_EQ(folder_.entries(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Os, NewFileEitherWay,
                         testing::Values(Unfinished::named, Unfinished::nameless));

TEST(NewFile, WithoutItsFolderThereIsNone) {
  const tests::TemporaryFolder folder;
  for (const Unfinished unfinished : {Unfinished::named, Unfinished::nameless}) {
    const auto file = NewFile::create(folder.file("no/a"), unfinished, kMode);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error(), ENOENT);
  }
}

TEST(NewFile, SaysInItsNameWhoseItIs) {
  const tests::TemporaryFolder folder;
  const auto file = NewFile::create(folder.file("a"), Unfinished::named, kMode);
  ASSERT_TRUE(file);
  const std::filesystem::directory_iterator entry(folder.path());
  const std::string name = entry->path().filename().string();
  EXPECT_TRUE(name.starts_with(".sweetspot-" + std::to_string(::getpid()) + "-")) << name;
}

TEST(FolderOf, IsWhereAFileLies) {
  EXPECT_EQ(folder_of("a"), ".");
  EXPECT_EQ(folder_of("/a"), "/");
  EXPECT_EQ(folder_of("a/b/c"), "a/b");
}

}  // namespace
}  // namespace sweetspot::os
