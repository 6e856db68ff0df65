#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/run.hpp"
#include "schema/compare.hpp"

namespace sweetspot {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using tests::describe;
using tests::differences;
using tests::load_schema;

constexpr const char* kRunSchema = "run-1.schema.json";

TEST(Schema, SaysWhatARunSays) { EXPECT_THAT(differences<sweetspot::Run>(kRunSchema), IsEmpty()); }

TEST(Schema, SaysWhatAProfileSetSays) {
  EXPECT_THAT(differences<ProfileSet>("profiles-1.schema.json"), IsEmpty());
}

// A knob is a text or a number to the table; these have words.
TEST(Schema, KnobsHaveTheWordsOfTheirEnums) {
  const Json knobs = load_schema(kRunSchema)["definitions"]["config"]["properties"];
  const auto expect_words = [&](const char* knob, const auto& names) {
    std::vector<std::string> words;
    for (const auto& [value, name] : names) words.emplace_back(name);
    EXPECT_EQ(knobs.at(knob).at("enum"), Json(words)) << knob;
  };
  expect_words("load_mode", names_of(LoadMode{}));
  expect_words("split_mode", names_of(SplitMode{}));
  expect_words("flash_attn", names_of(FlashAttention{}));
  expect_words("pooling", names_of(Pooling{}));
}

// ---- the comparison itself

struct Drift {
  const char* pointer;
  Json value;  // null = taken away
  const char* found;
};

TEST(Schema, TheComparisonSeesEveryKindOfDrift) {
  const std::vector<Drift> drifts = {
      {"/properties/notices", nullptr, "/notices is written"},
      {"/properties/later", {{"type", "string"}}, " has no later"},
      {"/properties/tool/properties/version", nullptr, "/tool/version is written"},
      {"/required", Json::array({"schema"}), " requires "},
      {"/additionalProperties", true, " is closed"},
      {"/properties/schema/const", "sweetspot.run/2", "/schema is always 'sweetspot.run/1'"},
      {"/properties/complete/type", "string", "/complete is of type boolean, not string"},
      {"/properties/finished_at", {{"type", "string"}}, "/finished_at can be null"},
      {"/properties/started_at",
       {{"type", Json::array({"string", "null"})}},
       "/started_at is never null"},
      {"/properties/absent", nullptr, " has reasons for [\"checkpoint_bytes\"]"},
      {"/definitions/result/properties/extent/enum", Json::array({"full", "speeds"}),
       "/results[]/extent is one of "},
      {"/definitions/error/properties/phase/enum/0", "sleep", "/results[]/error/phase is one of "},
      {"/definitions/speed/properties/p99_ms", nullptr, "/results[]/prompt/p99_ms is written"},
      {"/definitions/estimate/properties/low/type", "integer",
       "/low is of type number, not integer"},
  };
  for (const Drift& drift : drifts) {
    Json schema = load_schema(kRunSchema);
    const Json::json_pointer pointer(drift.pointer);
    if (drift.value.is_null()) {
      schema[pointer.parent_pointer()].erase(pointer.back());
    } else {
      schema[pointer] = drift.value;
    }
    EXPECT_THAT(differences(kRunSchema, schema, describe<sweetspot::Run>()),
                Contains(HasSubstr(drift.found)))
        << drift.pointer;
  }
}

}  // namespace
}  // namespace sweetspot
