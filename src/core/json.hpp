// JSON of the core values: the only header of this room that shows a JSON type.
//
// Rules for every object written here:
//  - units are in the field names (_bytes, _ms, _percent, _c, _w, _mhz);
//  - a Reading that is absent is null, and the object's "absent" member says why, by field name;
//  - text is escaped to ASCII when printed (dump()), so that a file shown on a terminal cannot act.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/config.hpp"
#include "core/device.hpp"
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

/// `value` as a T. nlohmann converts between number types in silence; here a number that is not
/// whole, or does not fit, throws nlohmann::json::exception like every other wrong type.
template <typename T>
T checked(const Json& value, const char* name) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    const bool fits = value.is_number_unsigned() ? std::in_range<T>(value.get<std::uint64_t>())
                                                 : value.is_number_integer() &&
                                                       std::in_range<T>(value.get<std::int64_t>());
    if (!fits) {
      throw nlohmann::json::other_error::create(
          599, std::string(name) + " is no whole number in range", &value);
    }
  }
  return value.get<T>();
}

/// Sets `object[name]` to the value, or to null with the reason under "absent".
template <typename T>
void put(Json& object, const char* name, const Reading<T>& reading) {
  if (reading.has_value()) {
    object[name] = reading.value();
  } else {
    object[name] = nullptr;
    object["absent"][name] = reading.reason();
  }
}

/// The inverse of put(). A field that is missing altogether reads as absent.
/// Throws nlohmann::json::exception on a wrong type; callers at a border use guard().
template <typename T>
Reading<T> take(const Json& object, const char* name) {
  const auto field = object.find(name);
  if (field != object.end() && !field->is_null()) return checked<T>(*field, name);
  if (const auto absent = object.find("absent"); absent != object.end()) {
    if (const auto reason = absent->find(name); reason != absent->end()) {
      return Absence{reason->get<std::string>()};
    }
  }
  return Absence{"not reported"};
}

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

Json to_json(const Device& device);
Json to_json(const DeviceStatus& status);
Json to_json(const DeviceReport& report);
Json to_json(const ModelInfo& model);
Json to_json(const Engine& engine);
Json to_json(const Config& config);
Json to_json(const EffectiveConfig& effective);
Json to_json(const Workload& workload);
Json to_json(const MemoryMap& memory);
Json to_json(const PlannedMemory& planned);
Json to_json(const Failure& failure);
Json to_json(const Trial& trial);
Json to_json(const Run& run);  ///< schema sweetspot.run/1, docs/formats/run-1.schema.json
Json to_json(const LoadReport& report);
Json to_json(const ProfileSet& set);  ///< schema kProfileSetSchema, docs/formats/profiles-1.md

/// What kind of document a profile set is, and the version that this program writes.
inline constexpr const char* kProfileSetSchema = "sweetspot.profiles/1";

// These throw nlohmann::json::exception on wrong or missing fields; use inside guard().
Device device_from_json(const Json& json);
ModelInfo model_info_from_json(const Json& json);
Engine engine_from_json(const Json& json);
Config config_from_json(const Json& json);
EffectiveConfig effective_config_from_json(const Json& json);
MemoryMap memory_map_from_json(const Json& json);
PlannedMemory planned_memory_from_json(const Json& json);

/// Also throws where the parts do not fit together: a need of an unknown device, two profiles of
/// one name, an interval that does not hold its value, -1 layers of a measured profile.
ProfileSet profile_set_from_json(const Json& json);

}  // namespace sweetspot
