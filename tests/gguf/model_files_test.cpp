#include "gguf/model_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf/written_header.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::gguf {
namespace {

using testing::HasSubstr;

void write_split(const std::string& path, std::uint32_t number, std::uint32_t count) {
  Bytes bytes = begin(0, 3);
  architecture(bytes);
  bytes.text("split.no").number(kU32).number(number);
  bytes.text("split.count").number(kU32).number(count);
  bytes.write(path);
}

TEST(ModelFiles, NamesOfSplits) {
  EXPECT_EQ(split_name("/m/a-00001-of-00003.gguf", 3, 3), "/m/a-00003-of-00003.gguf");
  EXPECT_EQ(split_name("/m/a.gguf", 2, 3), std::nullopt);
  EXPECT_EQ(split_name("/m/a-00001-of-00004.gguf", 2, 3), std::nullopt);
}

TEST(ModelFiles, AllFilesOfASplitModelAreRead) {
  const tests::TemporaryFolder folder;
  write_split(folder.file("a-00001-of-00002.gguf"), 0, 2);
  const auto alone = read_model_files(folder.file("a-00001-of-00002.gguf"));
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("(it is file 2 of 2 of "));
  write_split(folder.file("a-00002-of-00002.gguf"), 1, 2);
  const auto both = read_model_files(folder.file("a-00001-of-00002.gguf"));
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(both->size(), 2U);
  const auto second = read_model_files(folder.file("a-00002-of-00002.gguf"));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("file 2 of 2 of a split model"));
}

}  // namespace
}  // namespace sweetspot::gguf
