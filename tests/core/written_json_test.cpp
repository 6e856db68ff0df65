// What is written, byte for byte. The files come from the writers that there were before values
// described themselves. To accept what is written now, copy the text that the failure prints: a
// change to it is a new version of the format.
#include <gtest/gtest.h>

#include "core/json.hpp"
#include "golden/read_golden.hpp"
#include "golden/sample_run.hpp"

namespace sweetspot {
namespace {

void expect_golden(const char* file, const sweetspot::Run& run) {
  EXPECT_EQ(tests::read_golden(file), dump(to_json(run), 1) + '\n') << file;
}

TEST(WrittenJson, Runs) {
  expect_golden("run_mission.json", tests::mission_run());
  expect_golden("run_troubled.json", tests::troubled_run());
  expect_golden("run_adaptive.json", tests::adaptive_run());
  expect_golden("run_tuned.json", tests::tuned_run());
}

}  // namespace
}  // namespace sweetspot
