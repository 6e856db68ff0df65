#include "store/run_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/json.hpp"
#include "golden/sample_run.hpp"
#include "temporary_folder.hpp"

namespace sweetspot::store {
namespace {

using sweetspot::tests::read_file;
using sweetspot::tests::TemporaryFolder;
using testing::MatchesRegex;

constexpr const char* kTime = "2026-11-23T17:48:02Z";

TEST(RunFileName, NamesTheModelAndTheTime) {
  EXPECT_EQ("zephyr-7b-beta.Q5_K_M-20261123T174802Z.json",
            run_file_name("/models/zephyr-7b-beta.Q5_K_M.gguf", kTime));
  EXPECT_EQ("a-20261123T174802Z.json", run_file_name("a", kTime));
}

TEST(RunFileName, LeavesNothingThatAShellOrATerminalCouldTakeForMore) {
  const std::string safe = "[A-Za-z0-9._-]+-20261123T174802Z\\.json";
  for (const std::string& name :
       {tests::hostile_text(), std::string("../../etc/passwd"), std::string("a\nb"),
        std::string("$(touch x).gguf"), std::string("\xff\xfe"), std::string("`id`.gguf"),
        std::string("модель.gguf"), std::string("a\0b.gguf", 8)}) {
    EXPECT_THAT(run_file_name(name, kTime), MatchesRegex(safe));
  }
  EXPECT_EQ("a_b-20261123T174802Z.json", run_file_name("a $; b.gguf", kTime));
}

TEST(RunFileName, HasANameWhereTheModelHasNone) {
  EXPECT_EQ("model-20261123T174802Z.json", run_file_name("", kTime));
  EXPECT_EQ("model-20261123T174802Z.json", run_file_name("/models/.gguf", kTime));
  EXPECT_EQ("model-20261123T174802Z.json", run_file_name("???.gguf", kTime));
}

TEST(RunFileName, StaysShort) {
  EXPECT_LT(run_file_name(std::string(1U << 20U, 'x') + ".gguf", kTime).size(), 130U);
  EXPECT_LT(run_file_name(std::string(1U << 20U, '\x1b'), kTime).size(), 130U);
}

TEST(RunFileName, TakesNoPathFromTheTime) {
  EXPECT_EQ("a-unknown-time.json", run_file_name("a", "../.."));
  EXPECT_EQ("a-unknown-time.json", run_file_name("a", ""));
}

TEST(SaveRun, WritesJsonThatReadsBackAsTheRun) {
  const TemporaryFolder folder;
  const sweetspot::Run run = tests::mission_run();
  ASSERT_TRUE(save_run(folder.file("run.json"), run));
  const Result<Json> read = parse_json(read_file(folder.file("run.json")));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_json(run), *read);
  EXPECT_EQ("sweetspot.run/1", read->at("schema"));
}

TEST(SaveRun, WritesPlainAsciiWhateverTheModelSays) {
  const TemporaryFolder folder;
  ASSERT_TRUE(save_run(folder.file("run.json"), tests::troubled_run()));
  const std::string text = read_file(folder.file("run.json"));
  EXPECT_TRUE(std::all_of(text.begin(), text.end(),
                          [](char c) { return c == '\n' || (c >= ' ' && c < '\x7f'); }));
  EXPECT_EQ('\n', text.back());
}

TEST(SaveRun, ReportsWhatWriteAtomicallyReports) {
  const Status status = save_run("/none/run.json", tests::mission_run());
  ASSERT_FALSE(status);
  EXPECT_EQ(ErrorKind::output, status.error().kind);
}

}  // namespace
}  // namespace sweetspot::store
