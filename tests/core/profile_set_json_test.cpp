#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "core/json.hpp"
#include "core/ranges.hpp"
#include "core/text.hpp"
#include "golden/read_golden.hpp"
#include "golden/sample_set.hpp"

namespace sweetspot {
namespace {

using tests::measured_set;
using tests::planned_set;

Result<ProfileSet> read(const Json& json) {
  return guard([&] { return profile_set_from_json(json); }, "profile set");
}

TEST(ProfileSetJson, WritesWhatThePageDescribes) {
  EXPECT_EQ(tests::read_golden("profiles_measured.json"), dump(to_json(measured_set()), 2) + '\n');
  EXPECT_EQ(tests::read_golden("profiles_planned.json"), dump(to_json(planned_set()), 2) + '\n');
}

TEST(ProfileSetJson, SurvivesTheWay) {
  const auto back = read(to_json(measured_set()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, measured_set());
}

TEST(ProfileSetJson, TextThatIsNoUtf8IsReplacedOnceAndStaysSo) {
  const auto parsed = parse_json(dump(to_json(planned_set())));
  ASSERT_TRUE(parsed);
  const auto back = read(*parsed);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(is_utf8(back->model_name));
  EXPECT_THAT(back->model_name, testing::StartsWith("\x1b[31mred"));
  ProfileSet expected = planned_set();
  expected.model_name = back->model_name;
  EXPECT_EQ(*back, expected);
  EXPECT_EQ(dump(to_json(*back)), dump(*parsed));
}

TEST(ProfileSetJson, NamesOfEnumsGoBothWays) {
  for (const Origin origin : {Origin::measured, Origin::planned, Origin::defaults}) {
    EXPECT_EQ(from_string<Origin>(to_string(origin)), origin);
  }
  for (const LoadResult result : {LoadResult::loaded, LoadResult::out_of_memory,
                                  LoadResult::crashed, LoadResult::timed_out}) {
    EXPECT_EQ(from_string<LoadResult>(to_string(result)), result);
  }
  EXPECT_EQ(to_string(LoadResult::out_of_memory), "out-of-memory");
  EXPECT_FALSE(from_string<Origin>("guessed"));
  EXPECT_FALSE(from_string<LoadResult>(""));
}

// Sets from before models that only read, and before reports said whose they are, stay readable.
TEST(ProfileSetJson, FirstSetsHaveNoEmbeddingsAndNoLoaders) {
  Json json = to_json(measured_set());
  for (Json& profile : json["profiles"]) {
    profile["config"].erase("embeddings");
    profile["config"].erase("pooling");
  }
  for (Json& report : json["reports"]) {
    report.erase("program");
    report.erase("arguments");
  }
  const auto back = read(json);
  ASSERT_TRUE(back) << back.error().message;
  ProfileSet expected = measured_set();
  for (LoadReport& report : expected.reports) report.loader = {};
  EXPECT_EQ(*back, expected);
}

// ---- what is refused

struct Bend {
  const char* pointer;
  Json value;
};

TEST(ProfileSetJson, RefusesWhatDoesNotFitTogether) {
  const std::vector<Bend> bends = {
      {"/schema", "sweetspot.profiles/2"},
      {"/schema", 1},
      {"/origin", "guessed"},
      {"/model/digest", "0123456789ABCDEF"},
      {"/model/digest", "0123"},
      {"/model/size_bytes", -1},
      {"/model/size_bytes", 1.5},
      {"/model/offloadable_layers", -1},
      {"/bands/fast_percent", 90},
      {"/bands/performance_percent", 101},
      {"/devices", nullptr},
      {"/devices/0/id", "CUDA1"},
      {"/devices/0/memory_total_bytes", "much"},
      {"/profiles/0/name", "fast"},
      {"/profiles/0/name", ""},
      {"/profiles/0/origin", ""},
      {"/profiles/0/needs", "all"},
      {"/profiles/0/needs/0/device", "CUDA7"},
      {"/profiles/0/needs/0/bytes", -5},
      {"/profiles/0/config/n_gpu_layers", -1},
      {"/profiles/0/config/n_ctx", 0},
      {"/profiles/0/config/type_k", "q1"},
      {"/profiles/0/tokens_per_second/low", 33.0},
      {"/profiles/0/tokens_per_second/high", 30.0},
      {"/profiles/0/tokens_per_second/value", "fast"},
      {"/profiles/0/tokens_per_second/low", -1},
      {"/reports/0/result", "exploded"},
      {"/reports", Json::object()},
  };
  for (const Bend& bend : bends) {
    Json json = to_json(measured_set());
    json.at(Json::json_pointer(bend.pointer)) = bend.value;
    EXPECT_FALSE(read(json)) << bend.pointer << " " << bend.value;
  }
  for (const char* knob : {"n_gpu_layers", "n_ctx", "type_v", "kv_offload"}) {
    Json json = to_json(measured_set());
    json["profiles"][0]["config"].erase(knob);
    EXPECT_FALSE(read(json)) << "without " << knob;
  }
  for (const char* text : {"null", "[]", "7", "\"x\"", "{}"}) EXPECT_FALSE(read(Json::parse(text)));
}

// ---- any set

rc::Gen<std::string> text() {
  return rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::inRange<char>(0, 127), rc::gen::element('"', '\\', '\n', '/')));
}

rc::Gen<std::string> word() {
  return rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange('a', 'z')));
}

template <typename T>
Reading<T> reading_of(const rc::Gen<T>& value) {
  if (*rc::gen::arbitrary<bool>()) return Reading<T>(*value);
  return Reading<T>(Absence{*rc::gen::nonEmpty(text())});
}

// Up to the largest that is read back, and that one too.
rc::Gen<std::uint64_t> some_bytes() {
  return rc::gen::inRange<std::uint64_t>(0, kPlausibleBytes.high + 1);
}

rc::Gen<std::uint32_t> some_tokens() {
  return rc::gen::inRange<std::uint32_t>(0, kPlausibleTokens.high + 1);
}

Reading<std::uint64_t> bytes() { return reading_of(some_bytes()); }

Reading<Estimate> speed() {
  return reading_of(rc::gen::map(rc::gen::inRange(1, 1000000), [](int thousandths) {
    const double value = thousandths / 1e3;
    return Estimate{value, value * 0.9, value / 0.7};
  }));
}

SetDevice any_device(std::size_t index) {
  SetDevice device;
  device.id = "GPU" + std::to_string(index);
  device.description = *text();
  device.backend = *text();
  device.pci_bus_id = reading_of(text());
  device.uuid = reading_of(text());
  device.driver_version = reading_of(text());
  device.memory_total_bytes = bytes();
  device.memory_free_bytes = bytes();
  device.power_limit_w =
      reading_of(rc::gen::map(rc::gen::inRange(0, 9999), [](int tenths) { return tenths / 10.0; }));
  return device;
}

SavedProfile any_profile(std::size_t index, const std::vector<SetDevice>& devices) {
  SavedProfile profile;
  profile.name = *word() + std::to_string(index);
  profile.recommended_for = *text();
  profile.origin = *rc::gen::element(Origin::measured, Origin::planned, Origin::defaults);
  profile.config.placement.n_gpu_layers = *rc::gen::inRange(0, 200);
  if (*rc::gen::arbitrary<bool>()) profile.config.placement.devices = {*word(), *word()};
  if (*rc::gen::arbitrary<bool>()) {
    profile.config.placement.tensor_split = {*rc::gen::inRange(1, 90) / 7.0, 1};
  }
  profile.config.placement.load_mode = *rc::gen::element(LoadMode::automatic, LoadMode::mmap_mlock);
  profile.config.context.n_ctx = *rc::gen::inRange<std::uint32_t>(1, 1U << 30U);
  profile.config.context.flash_attn =
      *rc::gen::element(FlashAttention::automatic, FlashAttention::off, FlashAttention::on);
  profile.config.context.type_k = *rc::gen::element<std::string>("f16", "q8_0");
  profile.config.context.swa_full = *rc::gen::arbitrary<bool>();
  profile.config.context.embeddings = *rc::gen::arbitrary<bool>();
  profile.config.context.pooling =
      *rc::gen::element(Pooling::of_model, Pooling::none, Pooling::last, Pooling::rank);
  if (*rc::gen::arbitrary<bool>()) {
    std::vector<DeviceNeed> needs;
    needs.reserve(devices.size());
    for (const SetDevice& device : devices) {
      needs.push_back({device.id, *some_bytes()});
    }
    profile.needs = needs;
  }
  profile.host_bytes = bytes();
  profile.tokens_per_second = speed();
  profile.prompt_tokens_per_second = speed();
  profile.evidence = *text();
  return profile;
}

LoadReport any_report() {
  LoadReport report;
  report.profile = *text();
  report.result = *rc::gen::element(LoadResult::loaded, LoadResult::out_of_memory,
                                    LoadResult::crashed, LoadResult::timed_out);
  report.loader = {*text(), *rc::gen::container<std::vector<std::string>>(text())};
  report.device = *text();
  report.free_bytes = bytes();
  report.peak_bytes = bytes();
  report.at = *text();
  return report;
}

ProfileSet any_set() {
  ProfileSet set;
  set.created_at = *text();
  set.origin = *rc::gen::element(Origin::measured, Origin::planned, Origin::defaults);
  set.model = {*text(), *some_bytes(), "00000000deadbeef"};
  set.model_name = *text();
  set.offloadable_layers = *rc::gen::inRange(0, 513);
  set.fingerprint = {*text(), *text(), *text(), *text(), {*text(), *text()}};
  set.rpc = *rc::gen::container<std::vector<std::string>>(text());
  set.workload = {*some_tokens(), *some_tokens(), 7, 3};
  set.objective = *rc::gen::element(Objective::request, Objective::generation, Objective::prompt,
                                    Objective::energy);
  set.bands.fast_percent = *rc::gen::inRange(1, 500) / 10.0;
  const std::size_t devices = *rc::gen::inRange<std::size_t>(0, 3);
  set.devices.reserve(devices);
  for (std::size_t i = 0; i < devices; ++i) set.devices.push_back(any_device(i));
  const std::size_t profiles = *rc::gen::inRange<std::size_t>(0, 4);
  set.profiles.reserve(profiles);
  for (std::size_t i = 0; i < profiles; ++i) set.profiles.push_back(any_profile(i, set.devices));
  const std::size_t reports = *rc::gen::inRange<std::size_t>(0, 3);
  set.reports.reserve(reports);
  for (std::size_t i = 0; i < reports; ++i) set.reports.push_back(any_report());
  return set;
}

RC_GTEST_PROP(ProfileSetJson, AnySetSurvivesTheWayThroughText, ()) {
  const ProfileSet set = any_set();
  const auto parsed = parse_json(dump(to_json(set), 2));
  RC_ASSERT(parsed.has_value());
  const auto back = read(*parsed);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == set);
}

}  // namespace
}  // namespace sweetspot
