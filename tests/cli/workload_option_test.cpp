#include "cli/workload_option.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/workload_presets.hpp"

namespace sweetspot::cli {
namespace {

using testing::HasSubstr;

TEST(ParseWorkload, TakesEveryName) {
  EXPECT_THAT(workload_names(), testing::ElementsAre("chat", "rag", "code", "agent"));
  for (const std::string& name : workload_names()) {
    const auto workload = parse_workload(name);
    ASSERT_TRUE(workload) << name;
    EXPECT_THAT(app::workload_in_words(*workload), testing::StartsWith(name + " ("));
  }
}

TEST(ParseWorkload, TakesTokens) {
  EXPECT_EQ(*parse_workload("512,128"), (Workload{512, 128, 0}));
  EXPECT_EQ(*parse_workload("64,16,4096"), (Workload{64, 16, 4096}));
  EXPECT_EQ(app::workload_in_words({64, 16, 4096}),
            "64 prompt and 16 generated tokens, 4096 before them");
}

TEST(ParseWorkload, NamesWhatItTakesWhereItIsWrong) {
  for (const char* text : {"", "chats", "512", "512,", "512,128,", "512,128,0,1", "-1,2", "1,2x",
                           "5000000000,1", "1;2"}) {
    const auto workload = parse_workload(text);
    ASSERT_FALSE(workload) << text;
    EXPECT_EQ(workload.error().kind, ErrorKind::usage);
    EXPECT_THAT(workload.error().message, HasSubstr("--workload does not take"));
    EXPECT_THAT(workload.error().remedy, HasSubstr("chat, rag, code, agent"));
  }
}

}  // namespace
}  // namespace sweetspot::cli
