#include "store/driver_share_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "store/temporary_folder.hpp"

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
  for (const char* text :
       {"", "not json", "[]", R"({"schema":"sweetspot.driver-shares/2","shares":[]})",
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

}  // namespace
}  // namespace sweetspot::store
