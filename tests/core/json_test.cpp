#include "core/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sweetspot {
namespace {

TEST(Json, AbsentReadingsAreNullWithTheirReason) {
  Device device;
  device.id = "CUDA0";
  device.memory_total_bytes = std::uint64_t{6} << 30U;
  device.memory_free_bytes = Absence{"the device reports more free than total"};
  const Json json = to_json(device);
  EXPECT_EQ(json.at("memory_total_bytes"), std::uint64_t{6} << 30U);
  EXPECT_TRUE(json.at("memory_free_bytes").is_null());
  EXPECT_EQ(json.at("absent").at("memory_free_bytes"), "the device reports more free than total");
  EXPECT_FALSE(json.at("absent").contains("memory_total_bytes"));
}

TEST(Json, DeviceSurvivesTheWay) {
  Device device{"RPC0",           "loopback",      "RPC", DeviceType::gpu, Absence{"no PCI device"},
                std::uint64_t{8}, std::uint64_t{7}};
  const Device back = device_from_json(to_json(device));
  EXPECT_EQ(back.id, device.id);
  EXPECT_EQ(back.type, DeviceType::gpu);
  EXPECT_EQ(back.pci_bus_id.reason(), "no PCI device");
  EXPECT_EQ(back.memory_free_bytes, device.memory_free_bytes);
}

TEST(Json, ConfigSurvivesTheWay) {
  Config config;
  config.placement.n_gpu_layers = 17;
  config.placement.devices = {"CUDA0", "CUDA1"};
  config.placement.load_mode = LoadMode::mmap_mlock;
  config.context.n_ctx = 8192;
  config.context.type_v = "q4_0";
  config.context.flash_attn = FlashAttention::on;
  config.context.n_threads = 6;
  config.context.host_program = HostProgram::libllama;
  EXPECT_EQ(config_from_json(to_json(config)), config);
  EXPECT_EQ(config_from_json(to_json(Config{})), Config{});
}

TEST(Json, ATrialNamesWhatDisturbedIt) {
  Trial trial;
  trial.mark(Disturbance::throttled);
  trial.mark(Disturbance::contended);
  trial.mark(Disturbance::throttled);
  EXPECT_EQ(to_json(trial).at("disturbances").dump(), R"(["throttled","contended"])");
  EXPECT_EQ(to_json(Trial{}).at("disturbances").dump(), "[]");
  for (const Disturbance one :
       {Disturbance::throttled, Disturbance::contended, Disturbance::spilled}) {
    EXPECT_EQ(from_string<Disturbance>(to_string(one)), one);
  }
  EXPECT_FALSE(from_string<Disturbance>("busy"));
}

TEST(Json, EnergyAndThrottleTimesAreValuesOrReasons) {
  Trial trial;
  trial.generation = Speed{};
  trial.generation->joules_per_token = 0.5;
  trial.generation->energy_source = "energy-counter";
  trial.prompt = Speed{};
  trial.prompt->joules_per_token = Absence{"too short"};
  trial.telemetry.throttle_times = std::vector<ThrottleTime>{{"power cap", 120}};
  Json json = to_json(trial);
  EXPECT_EQ(json.at("generation").at("joules_per_token"), 0.5);
  EXPECT_EQ(json.at("generation").at("energy_source"), "energy-counter");
  EXPECT_EQ(json.at("prompt").at("absent").at("joules_per_token"), "too short");
  EXPECT_EQ(json.at("telemetry").at("throttle_times").dump(),
            R"([{"reason":"power cap","ms":120.0}])");
  trial.telemetry.throttle_times = Absence{"not told"};
  json = to_json(trial);
  EXPECT_EQ(json.at("telemetry").at("absent").at("throttle_times"), "not told");
}

// Each number of a document in turn becomes one that no machine has; those in `free_names` may be
// anything.
template <typename Read>
void expect_ranges(const Json& document, const std::vector<std::string>& free_names, Read&& read) {
  const Json flat = document.flatten();
  for (const auto& item : flat.items()) {
    const std::string& pointer = item.key();
    const Json& value = item.value();
    const bool is_free = std::any_of(free_names.begin(), free_names.end(), [&](const auto& name) {
      return pointer.ends_with("/" + name);
    });
    if (!value.is_number() || is_free) continue;
    for (const Json& wrong : {Json(std::uint64_t{1} << 62U), Json(std::int64_t{-1})}) {
      Json changed = document;
      changed[Json::json_pointer(pointer)] = wrong;
      EXPECT_FALSE(guard([&] { return read(changed); }, "peer")) << pointer << " = " << wrong;
    }
  }
}

TEST(Json, NumbersOfAPeerHaveARange) {
  ModelInfo model;
  model.files = {{"/a.gguf", 5, 6, 7}};
  model.n_head = model.n_head_kv = model.n_ff = 8;
  model.layers = {{0, 9, 10}};
  // offloadable_layers is written for readers and not read.
  expect_ranges(to_json(model), {"mtime_ns", "inode", "offloadable_layers"}, model_info_from_json);
  EffectiveConfig effective;
  effective.n_gpu_layers = 3;
  expect_ranges(to_json(effective), {}, effective_config_from_json);
  expect_ranges(to_json(MemoryMap{{"CUDA0", 1, 2, 3, 4}}), {}, memory_map_from_json);
  Device device;
  device.memory_total_bytes = std::uint64_t{8};
  device.memory_free_bytes = std::uint64_t{7};
  Json hostile = to_json(device);
  hostile["memory_free_bytes"] = UINT64_MAX;
  EXPECT_EQ(device_from_json(hostile).memory_free_bytes.reason(),
            "ggml reports more memory than any device has");
  EXPECT_EQ(device_from_json(hostile).memory_total_bytes, std::uint64_t{8});
}

TEST(Json, WrongTypesBecomeErrorsNotExceptions) {
  const auto parsed = parse_json(R"({"n_ctx": {}})");
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(guard([&] { return config_from_json(*parsed); }, "config"));
  EXPECT_FALSE(guard([&] { return device_from_json(*parsed); }, "device"));
  EXPECT_FALSE(guard([] { return config_from_json({{"host_program", "ollama"}}); }, "config"));
  EXPECT_FALSE(parse_json("{\"a\":"));
}

TEST(Json, NumbersThatDoNotFitAreErrorsNotOtherNumbers) {
  const Json healthy = to_json(ModelInfo{});
  ASSERT_TRUE(guard([&] { return model_info_from_json(healthy); }, "model"));
  const std::vector<std::pair<const char*, Json>> wrong = {{"n_params", 1e30},
                                                           {"n_params", -1},
                                                           {"n_params", 0.5},
                                                           {"n_params", "7"},
                                                           {"n_layer", 1e30},
                                                           {"n_layer", 0.5},
                                                           {"n_layer", std::int64_t{1} << 40U}};
  for (const auto& [field, value] : wrong) {
    Json model = healthy;
    model[field] = value;
    EXPECT_FALSE(guard([&] { return model_info_from_json(model); }, "model")) << field << value;
  }
}

TEST(Json, DumpEscapesWhatATerminalWouldObey) {
  const std::string text = dump(Json{{"name", "\x1b[2J\u202e\xff"}});
  for (const char c : text) EXPECT_TRUE(c >= 0x20 && c < 0x7F);
  EXPECT_NE(text.find("\\u001b"), std::string::npos);
  EXPECT_NE(text.find("\\u202e"), std::string::npos);
}

TEST(Json, AFailedTrialKeepsItsClass) {
  Trial trial;
  trial.failure = Failure{FailureClass::out_of_device_memory, Phase::load, "no room", {}, "tail"};
  const Json json = to_json(trial);
  EXPECT_EQ(json.at("status"), "failed");
  EXPECT_EQ(json.at("error").at("class"), "out-of-device-memory");
  EXPECT_EQ(json.at("error").at("phase"), "load");
  EXPECT_TRUE(json.at("generation").is_null());
}

}  // namespace
}  // namespace sweetspot
