#include "os/read_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <span>
#include <string>

#include "temporary_folder.hpp"

namespace sweetspot::os {
namespace {

// Up to `size` bytes of `file` from `offset` on.
std::string text_at(const Descriptor& file, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  const auto count = read_at(file, offset, std::as_writable_bytes(std::span(text)));
  if (count < 0) return "an error";
  text.resize(static_cast<std::size_t>(count));
  return text;
}

TEST(ReadAt, GivesWhatLiesThereAndLessOnlyAtTheEnd) {
  const tests::TemporaryFolder folder;
  std::ofstream(folder.file("a")) << "0123456789";
  const Descriptor file = open_to_read(folder.file("a"));
  EXPECT_EQ(text_at(file, 0, 3), "012");
  EXPECT_EQ(text_at(file, 8, 3), "89");
  EXPECT_EQ(text_at(file, 20, 3), "");
}

TEST(ReadAt, WhatCannotBeReadIsAnError) {
  EXPECT_EQ(text_at(open_to_read("/"), 0, 1), "an error");
  EXPECT_EQ(text_at(Descriptor(), 0, 1), "an error");
}

TEST(OpenToRead, SaysWhyThereIsNothing) {
  EXPECT_FALSE(open_to_read("/none/at/all"));
  EXPECT_EQ(errno, ENOENT);
}

TEST(OpenToRead, WaitsForNoWriter) {
  const tests::TemporaryFolder folder;
  ASSERT_EQ(::mkfifo(folder.file("fifo").c_str(), 0600), 0);
  EXPECT_TRUE(open_to_read(folder.file("fifo")));
}

}  // namespace
}  // namespace sweetspot::os
