#include "page/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/json.hpp"
#include "golden/read_golden.hpp"
#include "golden/sample_run.hpp"

namespace sweetspot::page {
namespace {

using testing::HasSubstr;

TEST(Source, ARunReadsBackAsItWasWritten) {
  for (const sweetspot::Run& run :
       {tests::mission_run(), tests::adaptive_run(), tests::tuned_run(), tests::troubled_run()}) {
    const Result<Source> source = parse_source(dump(to_json(run)), "run.json");
    ASSERT_TRUE(source) << source.error().message;
    Json again = to_json(std::get<sweetspot::Run>(*source));
    Json before = to_json(run);
    // Written for others, not read: the samples.
    for (Json* json : {&again, &before}) {
      for (Json& result : (*json)["results"]) {
        for (const char* speed : {"prompt", "generation"}) {
          if (!result[speed].is_null()) result[speed].erase("raw");
        }
      }
    }
    for (const char* part : {"results", "sweep", "tune", "analysis"}) {
      EXPECT_EQ(dump(again[part]), dump(before[part])) << part;
    }
  }
}

TEST(Source, APlanIsAMap) {
  const Result<Source> source = parse_source(tests::read_golden("plan_short.json"), "plan.json");
  ASSERT_TRUE(source) << source.error().message;
  const Page page = page_of(*source);
  std::size_t cells = 0;
  for (const Figure& figure : page.figures) cells += figure.map ? figure.map->cells.size() : 0;
  EXPECT_EQ(cells, std::get<PlanDocument>(*source).configs.size());
  EXPECT_THAT(page.answer, HasSubstr("of device memory"));
}

TEST(Source, OtherFilesAreRefusedByName) {
  for (const char* text :
       {"", "no json", "[]", "{}", R"({"schema": 1})", R"({"schema": "sweetspot.run/2"})",
        R"({"schema": "sweetspot.run/1"})", R"({"schema": "sweetspot.profiles/1"})"}) {
    const Result<Source> source = parse_source(text, "some\x1b.json");
    ASSERT_FALSE(source) << text;
    EXPECT_EQ(source.error().kind, ErrorKind::usage);
    EXPECT_THAT(source.error().message, HasSubstr("some\\x1b.json is no run or plan: "));
  }
}

}  // namespace
}  // namespace sweetspot::page
