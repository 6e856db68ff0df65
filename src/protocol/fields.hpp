// Internal to this room: JSON for the members of a message, written once for both directions.
//
// A message lists its members in a function fields(archive, message); FieldWriter and FieldReader
// are the two archives. Reading is strict: a wrong type, a number that does not fit and an unknown
// name are errors that name the member.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/json.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::protocol {

template <typename T>
concept Scalar = std::is_arithmetic_v<T>;

template <typename T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool>;

/// Thrown while reading, caught in messages.cpp; never leaves this room.
struct BadField {
  std::string what;  ///< a clause that names the field
};

class FieldWriter {
 public:
  explicit FieldWriter(Json& json) : json_(json) {}

  template <typename T>
  void operator()(const char* name, const T& value) {
    json_[name] = write(value);
  }

  template <typename T>
  void operator()(const char* name, const Reading<T>& reading) {
    put(json_, name, reading);
  }

  void object(const char* name, Json value) { json_[name] = std::move(value); }

 private:
  template <Scalar T>
  static Json write(const T& value) {
    return value;
  }
  static Json write(const std::string& value) { return value; }
  static Json write(const std::vector<std::string>& value) { return value; }
  static Json write(const std::vector<std::uint32_t>& value) { return value; }
  static Json write(const std::optional<std::string>& value) {
    return value ? Json(*value) : Json(nullptr);
  }
  static Json write(const std::optional<Slice>& slice) {
    if (!slice) return nullptr;
    return {{"first_block", slice->first_block},
            {"n_blocks", slice->n_blocks},
            {"vocab_rows", slice->vocab_rows}};
  }
  static Json write(const std::optional<SliceBytes>& bytes) {
    if (!bytes) return nullptr;
    return {{"total_bytes", bytes->total_bytes},
            {"block_bytes", bytes->block_bytes},
            {"output_bytes", bytes->output_bytes}};
  }
  // JSON has no NaN and no infinity: both become null.
  template <std::floating_point T>
  static Json write(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T value : values) {
      array.push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
    }
    return array;
  }
  static Json write(MeasureKind kind) {
    return kind == MeasureKind::prompt ? "prompt" : "generation";
  }
  static Json write(Phase phase) { return to_string(phase); }
  static Json write(FaultCode code) { return to_string(code); }
  static Json write(const Engine& engine) { return to_json(engine); }
  static Json write(const ModelInfo& model) { return to_json(model); }
  static Json write(const EffectiveConfig& effective) { return to_json(effective); }
  static Json write(const MemoryMap& memory) { return to_json(memory); }
  // Both go as a whole config, in the words of the table of knobs: a new knob is carried by itself.
  static Json write(const Placement& placement) { return to_json(Config{placement, {}}); }
  static Json write(const ContextSettings& context) { return to_json(Config{{}, context}); }
  static Json write(const std::vector<Config>& configs) {
    Json array = Json::array();
    for (const Config& config : configs) array.push_back(to_json(config));
    return array;
  }
  static Json write(const std::vector<PlannedMemory>& maps) {
    Json array = Json::array();
    for (const PlannedMemory& map : maps) array.push_back(to_json(map));
    return array;
  }
  static Json write(const std::vector<Device>& devices) {
    Json array = Json::array();
    for (const Device& device : devices) array.push_back(to_json(device));
    return array;
  }

  Json& json_;
};

class FieldReader {
 public:
  explicit FieldReader(const Json& json) : json_(json) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    const auto field = json_.find(name);
    if (field == json_.end()) throw BadField{std::string(name) + " is missing"};
    read(name, *field, value);
  }

  template <typename T>
  void operator()(const char* name, Reading<T>& reading) {
    const auto field = json_.find(name);
    if (field == json_.end()) throw BadField{std::string(name) + " is missing"};
    if (field->is_null()) {
      reading = Absence{reason(name)};
      return;
    }
    T value{};
    read(name, *field, value);
    reading = std::move(value);
  }

  [[nodiscard]] const Json& object(const char* name) const {
    const auto field = json_.find(name);
    if (field == json_.end() || !field->is_object()) wrong(name, "an object");
    return *field;
  }

 private:
  [[noreturn]] static void wrong(const char* name, const char* wanted) {
    throw BadField{std::string(name) + " is not " + wanted};
  }

  [[nodiscard]] std::string reason(const char* name) const {
    const auto absent = json_.find("absent");
    if (absent == json_.end() || !absent->is_object()) return "not reported";
    const auto text = absent->find(name);
    if (text == absent->end() || !text->is_string()) return "not reported";
    return text->get<std::string>();
  }

  // The readers of core/json.hpp throw nlohmann's exceptions, which do not name the member.
  template <typename Read>
  static auto core_value(const char* name, Read&& read) {
    auto result = guard(std::forward<Read>(read), name);
    if (!result) throw BadField{result.error().message};
    return *std::move(result);
  }

  template <WholeNumber T>
  static void read(const char* name, const Json& json, T& value) {
    if (!json.is_number_integer()) wrong(name, "a whole number");
    const bool in_range = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                    : std::in_range<T>(json.get<std::int64_t>());
    if (!in_range) wrong(name, "in range");
    value = json.get<T>();
  }
  static void read(const char* name, const Json& json, bool& value) {
    if (!json.is_boolean()) wrong(name, "true or false");
    value = json.get<bool>();
  }
  static void read(const char* name, const Json& json, double& value) {
    if (!json.is_number()) wrong(name, "a number");
    value = json.get<double>();
  }
  static void read(const char* name, const Json& json, std::string& value) {
    if (!json.is_string()) wrong(name, "text");
    value = json.get<std::string>();
  }
  static void read(const char* name, const Json& json, std::optional<std::string>& value) {
    if (json.is_null()) {
      value.reset();
    } else {
      read(name, json, value.emplace());
    }
  }
  static void read(const char* name, const Json& json, std::optional<Slice>& value) {
    value.reset();
    if (json.is_null()) return;
    if (!json.is_object()) wrong(name, "an object");
    Slice& slice = value.emplace();
    FieldReader reader(json);
    reader("first_block", slice.first_block);
    reader("n_blocks", slice.n_blocks);
    reader("vocab_rows", slice.vocab_rows);
  }
  static void read(const char* name, const Json& json, std::optional<SliceBytes>& value) {
    value.reset();
    if (json.is_null()) return;
    if (!json.is_object()) wrong(name, "an object");
    SliceBytes& bytes = value.emplace();
    FieldReader reader(json);
    reader("total_bytes", bytes.total_bytes);
    reader("block_bytes", bytes.block_bytes);
    reader("output_bytes", bytes.output_bytes);
  }
  static void read(const char* name, const Json& json, std::vector<std::string>& value) {
    read_array(name, json, value);
  }
  static void read(const char* name, const Json& json, std::vector<std::uint32_t>& values) {
    read_array(name, json, values);
  }
  template <std::floating_point T>
  static void read(const char* name, const Json& json, std::vector<T>& values) {
    read_array(name, json, values);
  }
  static void read(const char* name, const Json& json, float& value) {
    if (json.is_null()) {
      value = std::numeric_limits<float>::quiet_NaN();
      return;
    }
    double wide = 0;
    read(name, json, wide);
    if (std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max())) {
      wrong(name, "a list of numbers in range");
    }
    value = static_cast<float>(wide);
  }
  static void read(const char* name, const Json& json, MeasureKind& kind) {
    std::string text;
    read(name, json, text);
    if (text != "prompt" && text != "generation") wrong(name, "prompt or generation");
    kind = text == "prompt" ? MeasureKind::prompt : MeasureKind::generation;
  }
  static void read(const char* name, const Json& json, Phase& phase) {
    read_enum(name, json, phase, phase_from_string, "a known phase");
  }
  static void read(const char* name, const Json& json, FaultCode& code) {
    read_enum(name, json, code, fault_code_from_string, "a known code");
  }
  static void read(const char* name, const Json& json, Engine& engine) {
    engine = core_value(name, [&] { return engine_from_json(json); });
  }
  static void read(const char* name, const Json& json, ModelInfo& model) {
    model = core_value(name, [&] { return model_info_from_json(json); });
  }
  static void read(const char* name, const Json& json, EffectiveConfig& effective) {
    effective = core_value(name, [&] { return effective_config_from_json(json); });
  }
  static void read(const char* name, const Json& json, MemoryMap& memory) {
    if (!json.is_array()) wrong(name, "a list");
    memory = core_value(name, [&] { return memory_map_from_json(json); });
  }
  static void read(const char* name, const Json& json, Placement& placement) {
    placement = read_config(name, json).placement;
  }
  static void read(const char* name, const Json& json, ContextSettings& context) {
    context = read_config(name, json).context;
  }
  static void read(const char* name, const Json& json, Config& config) {
    config = read_config(name, json);
  }
  static void read(const char* name, const Json& json, std::vector<Config>& configs) {
    read_array(name, json, configs);
  }
  static void read(const char* name, const Json& json, PlannedMemory& map) {
    map = core_value(name, [&] { return planned_memory_from_json(json); });
  }
  static void read(const char* name, const Json& json, std::vector<PlannedMemory>& maps) {
    read_array(name, json, maps);
  }
  static void read(const char* name, const Json& json, Device& device) {
    device = core_value(name, [&] { return device_from_json(json); });
  }
  static void read(const char* name, const Json& json, std::vector<Device>& devices) {
    read_array(name, json, devices);
  }

  static Config read_config(const char* name, const Json& json) {
    if (!json.is_object()) wrong(name, "an object");
    return core_value(name, [&] { return config_from_json(json); });
  }

  template <typename T>
  static void read_array(const char* name, const Json& json, std::vector<T>& values) {
    if (!json.is_array()) wrong(name, "a list");
    values.clear();
    for (const Json& item : json) read(name, item, values.emplace_back());
  }

  template <typename Enum>
  static void read_enum(const char* name, const Json& json, Enum& value,
                        std::optional<Enum> (*from_string)(std::string_view), const char* wanted) {
    std::string text;
    read(name, json, text);
    const auto known = from_string(text);
    if (!known) wrong(name, wanted);
    value = *known;
  }

  const Json& json_;
};

}  // namespace sweetspot::protocol
