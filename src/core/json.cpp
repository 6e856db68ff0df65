#include "core/json.hpp"

#include "core/json_reader.hpp"
#include "core/json_writer.hpp"

namespace sweetspot {

std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

Result<Json> parse_json(std::string_view text) {
  return guard([&] { return Json::parse(text); }, "not JSON");
}

std::string schema_of(const Json& document) {
  if (!document.is_object()) return {};
  const auto member = document.find("schema");
  return member != document.end() && member->is_string() ? member->get<std::string>()
                                                         : std::string();
}

void put_absent(Json& object, const char* name, const std::string& reason) {
  object[name] = nullptr;
  object["absent"][name] = reason;
}

Json knob_to_json(const KnobValue& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Json to_json(const DeviceStatus& status) { return json_of(status); }
Json to_json(const DeviceReport& report) { return json_of(report); }
Json to_json(const Device& device) { return json_of(device); }
Json to_json(const ModelInfo& model) { return json_of(model); }
Json to_json(const Engine& engine) { return json_of(engine); }
Json to_json(const Config& config) { return json_of(config); }
Json to_json(const EffectiveConfig& effective) { return json_of(effective); }
Json to_json(const MemoryMap& memory) { return json_of(memory); }
Json to_json(const Trial& trial) { return json_of(trial); }
Json to_json(const Run& run) { return json_of(run); }
Json to_json(const LoadReport& report) { return json_of(report); }
Json to_json(const ProfileSet& set) { return json_of(set); }
Json to_json(const MeasuredShare& share) { return json_of(share); }

Device device_from_json(const Json& json) { return value_from<Device>(json); }
ModelInfo model_info_from_json(const Json& json) { return value_from<ModelInfo>(json); }
Config config_from_json(const Json& json) { return value_from<Config>(json); }
EffectiveConfig effective_config_from_json(const Json& json) {
  return value_from<EffectiveConfig>(json);
}
MemoryMap memory_map_from_json(const Json& json) { return value_from<MemoryMap>(json); }
MeasuredShare measured_share_from_json(const Json& json) { return value_from<MeasuredShare>(json); }

ProfileSet profile_set_from_json(const Json& json) {
  ProfileSet set = value_from<ProfileSet>(json);
  if (const std::string why = misfit_of(set); !why.empty()) refuse(why);
  return set;
}

}  // namespace sweetspot
