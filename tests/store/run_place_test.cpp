#include "store/run_place.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "store/durable_file.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::store {
namespace {

using tests::TemporaryFolder;

constexpr const char* kBegan = "2026-11-23T17:48:02Z";

TEST(PlaceForRun, IsTheUsersDataFolderAndNoOtherRunsFile) {
  const TemporaryFolder folder;
  const std::string data = folder.file("data/sweetspot");
  const auto first = place_for_run(data, "/models/a.gguf", kBegan);
  ASSERT_TRUE(first);
  EXPECT_EQ(data + "/runs/a-20261123T174802Z.json", first->path());
  // Nothing is written yet: of two that are measured together.
  EXPECT_EQ(data + "/runs/a-20261123T174802Z-2.json", place_for_run(data, "a", kBegan)->path());
}

TEST(PlaceForRun, OneProcessAloneGetsIt) {
  const TemporaryFolder folder;
  std::vector<std::vector<RunPlace>> taken(8);
  std::vector<std::thread> threads;
  for (std::vector<RunPlace>& mine : taken) {
    threads.emplace_back([&folder, &mine] {
      for (int i = 0; i < 20; ++i) mine.push_back(*place_for_run(folder.path(), "a", kBegan));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> paths;
  for (const auto& mine : taken) {
    for (const RunPlace& place : mine) paths.insert(place.path());
  }
  EXPECT_EQ(paths.size(), 8U * 20U);
}

TEST(PlaceForRun, IsGivenUpWhereNothingWasWritten) {
  const TemporaryFolder folder;
  std::string path;
  {
    const auto place = RunPlace::take(folder.path(), "a.json");
    path = place->path();
    EXPECT_EQ(folder.entries(), 1U);
  }
  EXPECT_EQ(folder.entries(), 0U);
  {
    RunPlace place = *RunPlace::take(folder.path(), "a.json");
    const RunPlace moved = std::move(place);
    ASSERT_TRUE(write_atomically(moved.path(), "{}"));
  }
  EXPECT_EQ(tests::read_file(path), "{}");
}

TEST(PlaceForRun, SaysWhatToDoWhereTheFolderCannotBeMade) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_atomically(folder.file("file"), "text"));
  const auto place = place_for_run(folder.file("file"), "a", kBegan);
  ASSERT_FALSE(place);
  EXPECT_EQ(ErrorKind::output, place.error().kind);
  EXPECT_THAT(place.error().remedy, testing::HasSubstr("-o FILE"));
  const auto none = RunPlace::take(folder.file("none"), "a.json");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, testing::HasSubstr("none/a.json"));
}

}  // namespace
}  // namespace sweetspot::store
