#include "kernel/file_tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "kernel/fake_tree.hpp"

namespace sweetspot::kernel {
namespace {

using testing::HasSubstr;

struct BadContent {
  const char* name;
  const char* content;
  const char* reason;
};

std::ostream& operator<<(std::ostream& out, const BadContent& bad) { return out << bad.name; }

class SysfsBadContent : public testing::TestWithParam<BadContent> {};

TEST_P(SysfsBadContent, IsAbsentAndNotZero) {
  FakeTree files;
  files.file("/sys/value", GetParam().content);
  const auto reading = files.tree().number("/sys/value");
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.reason(), HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    R17, SysfsBadContent,
    testing::Values(BadContent{"Empty", "", "empty"}, BadContent{"OnlyNewline", "\n", "empty"},
                    BadContent{"Word", "max\n", "not a number"},
                    BadContent{"Negative", "-1\n", "not a number"},
                    BadContent{"NumberThenText", "12 apples", "not a number"},
                    BadContent{"Fraction", "1.5", "not a number"},
                    BadContent{"Hex", "0x10", "not a number"},
                    BadContent{"TooLarge", "99999999999999999999", "not a number"}),
    [](const auto& test) { return std::string(test.param.name); });

struct ErrorWords {
  int error;
  const char* words;
};

std::ostream& operator<<(std::ostream& out, const ErrorWords& error) { return out << error.words; }

class SysfsError : public testing::TestWithParam<ErrorWords> {};

TEST_P(SysfsError, IsTheReason) {
  FileTree tree;
  tree.read = [](const std::string&) { return tl::unexpected<int>(GetParam().error); };
  const auto reading = tree.number("/sys/some/gpu_busy_percent");
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.reason(), HasSubstr("gpu_busy_percent"));
  EXPECT_THAT(reading.reason(), HasSubstr(GetParam().words));
}

INSTANTIATE_TEST_SUITE_P(
    R17, SysfsError,
    testing::Values(ErrorWords{ENOTSUP, "not supported"}, ErrorWords{EBUSY, "busy"},
                    ErrorWords{EINVAL, "Invalid argument"}, ErrorWords{EPERM, "not permitted"},
                    ErrorWords{EACCES, "not permitted"}, ErrorWords{ENOENT, "does not offer"}));

TEST(Sysfs, ReadsARealNumber) {
  FakeTree files;
  files.file("/sys/value", "25753026560\n");
  EXPECT_EQ(files.tree().number("/sys/value"), Reading<std::uint64_t>(25753026560U));
}

TEST(Sysfs, AMissingFileAndAFolderAreErrorsNotCrashes) {
  FakeTree files;
  files.file("/sys/folder/file", "1");
  EXPECT_EQ(read_small_file(files.root() + "/sys/none").error(), ENOENT);
  EXPECT_EQ(read_small_file(files.root() + "/sys/folder").error(), EISDIR);
  EXPECT_TRUE(files.tree().folder("/sys/none").empty());
}

TEST(Sysfs, FoldersAreSorted) {
  FakeTree files;
  files.file("/sys/d/b", "1").file("/sys/d/a", "1").file("/sys/d/c", "1");
  EXPECT_THAT(files.tree().folder("/sys/d"), testing::ElementsAre("a", "b", "c"));
}

}  // namespace
}  // namespace sweetspot::kernel
