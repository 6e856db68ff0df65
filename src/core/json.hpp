// JSON of the core values: the only header of this room that shows a JSON type.
//
// Rules for every object written here:
//  - units are in the field names (_bytes, _ms, _percent, _c, _w, _mhz);
//  - a Reading that is absent is null, and the object's "absent" member says why, by field name;
//  - text is escaped to ASCII when printed (dump()), so that a file shown on a terminal cannot act.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/driver_share.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "core/model_info.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "core/trial.hpp"

namespace sweetspot {

/// Insertion order is kept: files read in the order their schema describes.
using Json = nlohmann::ordered_json;

/// Serialises; invalid UTF-8 is replaced, everything outside ASCII is escaped. `indent` < 0 = one
/// line.
std::string dump(const Json& json, int indent = -1);

/// Parses text from another process or a file. Never throws; depth and duplicates are nlohmann's.
Result<Json> parse_json(std::string_view text);

/// What a document says that it is, its member "schema"; empty where it says nothing or is no
/// object.
std::string schema_of(const Json& document);

/// Sets `object[name]` to null, with the reason under "absent".
void put_absent(Json& object, const char* name, const std::string& reason);

/// Without nlohmann's own number of the error, "[json.exception.type_error.302] ".
inline std::string_view plain_json_error(std::string_view what) {
  if (!what.starts_with("[json.exception.")) return what;
  const std::size_t end = what.find("] ");
  return end == std::string_view::npos ? what : what.substr(end + 2);
}

/// Runs `read`, which may throw nlohmann's exceptions, and turns them into an Error.
template <typename Read>
auto guard(Read&& read, std::string_view what) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const nlohmann::json::exception& e) {
    return error(ErrorKind::internal,
                 std::string(what) + ": " + std::string(plain_json_error(e.what())));
  }
}

// Written and read by their description, fields(archive, value) beneath each struct
// (core/fields.hpp).
Json to_json(const Device& device);
Json to_json(const DeviceStatus& status);
Json to_json(const DeviceReport& report);
Json to_json(const ModelInfo& model);
Json to_json(const Engine& engine);
Json to_json(const Config& config);
Json to_json(const EffectiveConfig& effective);
Json to_json(const MemoryMap& memory);
Json to_json(const Trial& trial);
Json to_json(const Run& run);  ///< sweetspot.run/1
Json to_json(const LoadReport& report);
Json to_json(const ProfileSet& set);  ///< kProfileSetSchema
Json to_json(const MeasuredShare& share);

// These throw nlohmann::json::exception where the text is not what they read; its sentence names
// the place. Use inside guard().
Device device_from_json(const Json& json);
ModelInfo model_info_from_json(const Json& json);
Config config_from_json(const Json& json);
EffectiveConfig effective_config_from_json(const Json& json);
MemoryMap memory_map_from_json(const Json& json);
MeasuredShare measured_share_from_json(const Json& json);

/// Also refuses parts that do not fit together: a need of an unknown device, two profiles of one
/// name, an interval that does not hold its value, -1 layers of a measured profile.
ProfileSet profile_set_from_json(const Json& json);

}  // namespace sweetspot
