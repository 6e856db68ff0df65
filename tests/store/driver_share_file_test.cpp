#include "store/driver_share_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace sweetspot::store {
namespace {

using tests::TemporaryFolder;

MeasuredShare sample(const std::string& driver, std::uint64_t high_bytes) {
  return {"GPU 0000:01:00.0", "CUDA", driver, "0.7.0", 100, high_bytes, "2026-11-23T17:48:02Z"};
}

TEST(DriverShareFile, KeepsOneForEachDriverAndReplacesTheOld) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/new/folder/shares.json";
  ASSERT_TRUE(load_driver_shares(path)) << "no file is no share";
  EXPECT_TRUE(load_driver_shares(path)->empty());
  ASSERT_TRUE(keep_driver_share(path, sample("nvml 1", 200)));
  ASSERT_TRUE(keep_driver_share(path, sample("nvml 2", 300)));
  ASSERT_TRUE(keep_driver_share(path, sample("nvml 1", 400)));
  const auto shares = load_driver_shares(path);
  ASSERT_TRUE(shares) << shares.error().message;
  ASSERT_EQ(shares->size(), 2U);
  EXPECT_EQ((*shares)[0].driver, "nvml 2");
  EXPECT_EQ((*shares)[1].high_bytes, 400U);
  EXPECT_EQ((*shares)[1].low_bytes, 100U);
  EXPECT_EQ((*shares)[1].measured_at, "2026-11-23T17:48:02Z");
}

TEST(DriverShareFile, SaysWhatCannotBeRead) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/shares.json";
  for (const char* text : {"", "not json", "[]", R"({"schema":"sweetspot.profiles/1","shares":[]})",
                           R"({"schema":"sweetspot.driver-shares/0","shares":[]})",
                           R"({"schema":"sweetspot.driver-shares/1","shares":[{}]})"}) {
    std::ofstream(path) << text;
    const auto shares = load_driver_shares(path);
    ASSERT_FALSE(shares) << text;
    EXPECT_EQ(shares.error().kind, ErrorKind::output);
    EXPECT_THAT(shares.error().message, testing::HasSubstr(path));
    EXPECT_FALSE(shares.error().remedy.empty());
  }
  ASSERT_TRUE(keep_driver_share(path, sample("nvml 1", 200))) << "a useless file is replaced";
  EXPECT_EQ(load_driver_shares(path)->size(), 1U);
}

TEST(DriverShareFile, NeverTouchesWhatANewerVersionWrote) {
  const TemporaryFolder folder;
  const std::string path = folder.file("shares.json");
  const std::string newer = R"({"schema":"sweetspot.driver-shares/2","shares":[{"new":1}]})";
  std::ofstream(path) << newer;
  const auto loaded = load_driver_shares(path);
  const auto kept = keep_driver_share(path, sample("nvml 1", 200));
  ASSERT_FALSE(loaded);
  ASSERT_FALSE(kept);
  for (const Error& said : {loaded.error(), kept.error()}) {
    EXPECT_EQ(said.kind, ErrorKind::output);
    EXPECT_THAT(said.message, testing::AllOf(testing::HasSubstr(path),
                                             testing::HasSubstr("made by a newer sweetspot")));
    EXPECT_THAT(said.remedy, testing::HasSubstr("left as it is"));
  }
  EXPECT_EQ(tests::read_file(path), newer);
}

TEST(DriverShareFile, NeitherWaitsForAFifoNorReplacesWhatIsNoFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("shares.json");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_FALSE(load_driver_shares(path));
  EXPECT_FALSE(keep_driver_share(path, sample("nvml 1", 200)));
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

// Each process measures cards of its own; 0 where all were kept.
int keep_shares(const std::string& path, int process, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string driver = std::to_string(process) + "." + std::to_string(i);
    if (!keep_driver_share(path, sample(driver, 200))) return 1;
  }
  return 0;
}

TEST(DriverShareFile, SharesOfSeveralProcessesAreAllKept) {
  constexpr int kProcesses = 8;
  constexpr int kEach = 10;
  const TemporaryFolder folder;
  const std::string path = folder.file("shares.json");
  std::vector<pid_t> children;
  for (int process = 0; process < kProcesses; ++process) {
    children.push_back(::fork());
    if (children.back() == 0) ::_exit(keep_shares(path, process, kEach));
  }
  for (const pid_t child : children) {
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  const auto shares = load_driver_shares(path);
  ASSERT_TRUE(shares) << shares.error().message;
  EXPECT_EQ(shares->size(), 1U * kProcesses * kEach);
  EXPECT_EQ(folder.entries(), 2U) << "the file and its folder's lock";
}

}  // namespace
}  // namespace sweetspot::store
