#include "worker/synth/new_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace sweetspot::worker {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class NewFileTest : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return folder_.file("model.gguf"); }
  [[nodiscard]] std::size_t files() const { return folder_.entries(); }
  [[nodiscard]] std::string content() const { return tests::read_file(path()); }

  tests::TemporaryFolder folder_;  // NOLINT(readability-identifier-naming): protected for the tests
};

const std::vector<std::uint8_t> kHello = {'h', 'e', 'l', 'l', 'o'};

TEST_F(NewFileTest, AppearsOnlyWhenCommitted) {
  auto file = NewFile::create(path());
  ASSERT_TRUE(file) << file.error();
  EXPECT_TRUE(file->reserve(5));
  EXPECT_TRUE(file->write(kHello));
  EXPECT_FALSE(fs::exists(path()));
  EXPECT_TRUE(file->commit());
  EXPECT_EQ(content(), "hello");
  EXPECT_EQ(files(), 1U);
}

TEST_F(NewFileTest, LeavesNothingWhenAbandoned) {
  { ASSERT_TRUE(NewFile::create(path())->write(kHello)); }
  EXPECT_EQ(files(), 0U);
}

TEST_F(NewFileTest, ReplacesWhatWasThere) {
  std::ofstream(path()) << "older and longer";
  auto file = NewFile::create(path());
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->write(kHello));
  EXPECT_EQ(content(), "older and longer");
  ASSERT_TRUE(file->commit());
  EXPECT_EQ(content(), "hello");
}

TEST_F(NewFileTest, SaysWhyItCannotWrite) {
  const auto missing = NewFile::create(folder_.file("no/model.gguf"));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error(), HasSubstr("No such file or directory"));
  const auto folder = NewFile::create(folder_.path());
  ASSERT_FALSE(folder);
  EXPECT_THAT(folder.error(), HasSubstr("not a regular file"));
}

TEST_F(NewFileTest, ADiskThatIsTooSmallIsSaidEarly) {
  // Too large for any file system: the reservation fails the way a full disk does.
  auto file = NewFile::create(path());
  ASSERT_TRUE(file);
  const auto reserved = file->reserve(std::uint64_t{1} << 62U);
  if (reserved) GTEST_SKIP() << "this file system cannot reserve";
  EXPECT_THAT(reserved.error(), HasSubstr("cannot write"));
}

}  // namespace
}  // namespace sweetspot::worker
