#include "core/json_reader.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "golden/sample_set.hpp"

namespace sweetspot {
namespace {

struct Refusal {
  const char* pointer;
  Json value;  // null = taken away
  const char* sentence;
};

// A sentence names the place and what is wrong there.
TEST(JsonReader, SaysWhatIsWrongAndWhere) {
  const std::vector<Refusal> refusals = {
      {"/created_at", nullptr, "set: created_at is missing"},
      {"/schema", "sweetspot.profiles/2", "set: schema is not sweetspot.profiles/1"},
      {"/origin", "guessed", "set: origin is not a known origin: 'guessed'"},
      {"/devices", "none", "set: devices is not a list"},
      {"/rpc", Json::array({1}), "set: rpc is not text"},
      {"/fingerprint", Json::array(), "set: fingerprint is not an object"},
      {"/model", nullptr, "set: model is not an object: it is missing"},
      {"/model/digest", "12", "set: model: digest is not 16 hex digits"},
      {"/model/size_bytes", -1, "set: model.size_bytes is not in range"},
      {"/model/size_bytes", 1.5, "set: model.size_bytes is not a whole number"},
      {"/model/offloadable_layers", 5000,
       "set: model.offloadable_layers is 5000, outside 0 to 4096"},
      {"/bands/fast_percent", 90, "set: bands: these are not three rising percentages"},
      {"/profiles/0/needs/0/bytes", nullptr, "set: profiles[0].needs[0].bytes is missing"},
      {"/profiles/0/tokens_per_second/low", 1e9,
       "set: profiles[0].tokens_per_second: the value lies outside its interval"},
      {"/profiles/1/config/n_ctx", nullptr, "set: profiles[1].config.n_ctx is missing"},
      {"/profiles/1/config/n_ctx", "many",
       "set: profiles[1].config.n_ctx is wrong: --ctx-size does not take 'many'"},
      {"/profiles/1/config/kv_offload", Json::object(),
       "set: profiles[1].config.kv_offload is not a setting"},
      {"/profiles/1/config/n_ctx", 1e30, "set: profiles[1].config.n_ctx is not a whole number"},
      {"/profiles/1/config/tensor_split", Json::array({Json::array()}),
       "set: profiles[1].config.tensor_split holds what is neither number nor text"},
      {"/reports/0/at", true, "set: reports[0].at is not text"},
      {"/profiles/0/name", "fast", "set: two profiles have one name"},
  };
  for (const Refusal& refusal : refusals) {
    Json json = to_json(tests::measured_set());
    const Json::json_pointer pointer(refusal.pointer);
    if (refusal.value.is_null()) {
      json[pointer.parent_pointer()].erase(pointer.back());
    } else {
      json[pointer] = refusal.value;
    }
    const auto read = guard([&] { return profile_set_from_json(json); }, "set");
    ASSERT_FALSE(read) << refusal.pointer;
    EXPECT_EQ(read.error().message, refusal.sentence);
  }
  const auto no_object = guard([] { return profile_set_from_json(Json(7)); }, "set");
  ASSERT_FALSE(no_object);
  EXPECT_EQ(no_object.error().message, "set: it is not an object");
}

TEST(JsonReader, AReadingIsAValueOrAReasonAndNeverMissing) {
  Json json = to_json(EffectiveConfig{});
  json["type_k"] = nullptr;
  json["absent"]["type_k"] = "not printed";
  json["type_v"] = nullptr;
  json["absent"].erase("type_v");
  const EffectiveConfig config = effective_config_from_json(json);
  EXPECT_EQ(config.type_k.reason(), "not printed");
  EXPECT_EQ(config.type_v.reason(), "not reported");
  json["absent"]["type_k"] = 7;
  EXPECT_EQ(guard([&] { return effective_config_from_json(json); }, "it").error().message,
            "it: absent.type_k is not text");
  json.erase("type_k");
  EXPECT_EQ(guard([&] { return effective_config_from_json(json); }, "it").error().message,
            "it: type_k is missing");
}

TEST(JsonReader, ReadsPlainValues) {
  EXPECT_EQ(value_from<int>(Json(7)), 7);
  EXPECT_EQ(guard([] { return value_from<int>(Json(0.5), "seed"); }, "it").error().message,
            "it: seed is not a whole number");
}

}  // namespace
}  // namespace sweetspot
