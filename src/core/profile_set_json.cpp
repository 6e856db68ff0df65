// sweetspot.profiles/1: docs/formats/profiles-1.md.

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "core/json_fields.hpp"
#include "core/knobs.hpp"

namespace sweetspot {
namespace {

constexpr std::size_t kDigestChars = 16;

// A reading of a value that JSON does not know by itself.
template <typename T, typename ToJson>
void put_as(Json& object, const char* name, const Reading<T>& reading, ToJson&& value_to_json) {
  if (reading.has_value()) {
    object[name] = value_to_json(*reading);
  } else {
    put(object, name, Reading<Json>(Absence{reading.reason()}));
  }
}

template <typename FromJson>
auto take_as(const Json& object, const char* name, FromJson&& value_from_json)
    -> Reading<decltype(value_from_json(object))> {
  const Reading<Json> reading = take<Json>(object, name);
  if (!reading) return Absence{reading.reason()};
  return value_from_json(*reading);
}

// ---- writing

Json model_key_to_json(const ProfileSet& set) {
  return {{"path", set.model.path},
          {"size_bytes", set.model.size_bytes},
          {"digest", set.model.digest},
          {"name", set.model_name},
          {"offloadable_layers", set.offloadable_layers}};
}

Json fingerprint_to_json(const Fingerprint& fingerprint) {
  return {{"model", fingerprint.model},
          {"llama_cpp", fingerprint.llama_cpp},
          {"tool", fingerprint.tool},
          {"cpu", fingerprint.cpu},
          {"environment", fingerprint.environment}};
}

Json device_to_json(const SetDevice& device) {
  Json json = {{"id", device.id}, {"description", device.description}, {"backend", device.backend}};
  put(json, "pci_bus_id", device.pci_bus_id);
  put(json, "uuid", device.uuid);
  put(json, "driver_version", device.driver_version);
  put(json, "memory_total_bytes", device.memory_total_bytes);
  put(json, "memory_free_bytes", device.memory_free_bytes);
  put(json, "power_limit_w", device.power_limit_w);
  return json;
}

Json needs_to_json(const std::vector<DeviceNeed>& needs) {
  return array_of(needs, [](const DeviceNeed& need) -> Json {
    return {{"device", need.device}, {"bytes", need.bytes}};
  });
}

Json saved_profile_to_json(const SavedProfile& profile) {
  Json json = {{"name", profile.name},
               {"recommended_for", profile.recommended_for},
               {"origin", to_string(profile.origin)},
               {"config", to_json(profile.config)}};
  put_as(json, "needs", profile.needs, needs_to_json);
  put(json, "host_bytes", profile.host_bytes);
  put_as(json, "libllama_needs", profile.libllama_needs, needs_to_json);
  put(json, "libllama_host_bytes", profile.libllama_host_bytes);
  put(json, "host_mapped_bytes", profile.host_mapped_bytes);
  put(json, "checkpoint_bytes", profile.checkpoint_bytes);
  put_as(json, "tokens_per_second", profile.tokens_per_second, estimate_to_json);
  put_as(json, "prompt_tokens_per_second", profile.prompt_tokens_per_second, estimate_to_json);
  json["evidence"] = profile.evidence;
  return json;
}

Json bands_to_json(const Bands& bands) {
  return {{"fast_percent", bands.fast_percent},
          {"balanced_percent", bands.balanced_percent},
          {"performance_percent", bands.performance_percent}};
}

// ---- reading

Fingerprint fingerprint_from_json(const Json& json) {
  return {json.at("model").get<std::string>(), json.at("llama_cpp").get<std::string>(),
          json.at("tool").get<std::string>(), json.at("cpu").get<std::string>(),
          json.at("environment").get<std::vector<std::string>>()};
}

SetDevice device_from(const Json& json) {
  SetDevice device;
  device.id = json.at("id").get<std::string>();
  device.description = json.at("description").get<std::string>();
  device.backend = json.at("backend").get<std::string>();
  device.pci_bus_id = take<std::string>(json, "pci_bus_id");
  device.uuid = take<std::string>(json, "uuid");
  device.driver_version = take<std::string>(json, "driver_version");
  device.memory_total_bytes = take<std::uint64_t>(json, "memory_total_bytes", kPlausibleBytes);
  device.memory_free_bytes = take<std::uint64_t>(json, "memory_free_bytes", kPlausibleBytes);
  device.power_limit_w = take<double>(json, "power_limit_w");
  return device;
}

std::vector<DeviceNeed> needs_from_json(const Json& json) {
  std::vector<DeviceNeed> needs;
  if (!json.is_array()) refuse(json, "needs is no list");
  needs.reserve(json.size());
  for (const Json& need : json) {
    needs.push_back({need.at("device").get<std::string>(),
                     number_at<std::uint64_t>(need, "bytes", kPlausibleBytes)});
  }
  return needs;
}

Estimate speed_from_json(const Json& json) {
  const Estimate speed{number_at<double>(json, "value"), number_at<double>(json, "low"),
                       number_at<double>(json, "high")};
  const bool finite = std::isfinite(speed.low) && std::isfinite(speed.high);
  if (!finite || !(0 <= speed.low && speed.low <= speed.value && speed.value <= speed.high)) {
    refuse(json, "a speed lies outside its interval");
  }
  return speed;
}

// Knobs that came after the first sets were written: in those they had llama.cpp's default.
constexpr std::array<std::string_view, 4> kLaterKnobs = {"embeddings", "pooling", "cache_ram_mib",
                                                         "n_ctx_checkpoints"};

bool came_later(std::string_view knob) {
  return std::find(kLaterKnobs.begin(), kLaterKnobs.end(), knob) != kLaterKnobs.end();
}

// A setting left out would silently become its default, and the profile another one.
Config whole_config_from_json(const Json& json) {
  for (const Knob& knob : knobs()) {
    if (!json.contains(std::string(knob.name)) && !came_later(knob.name)) {
      refuse(json, "config has no " + std::string(knob.name));
    }
  }
  Config config = config_from_json(json);
  // Sets that do not say it were measured with libllama's defaults.
  if (!json.contains("host_program")) config.context.host_program = HostProgram::libllama;
  return config;
}

SavedProfile profile_from_json(const Json& json) {
  SavedProfile profile;
  profile.name = json.at("name").get<std::string>();
  profile.recommended_for = json.at("recommended_for").get<std::string>();
  profile.origin = enum_at<Origin>(json, "origin", origin_from_string);
  profile.config = whole_config_from_json(json.at("config"));
  profile.needs = take_as(json, "needs", needs_from_json);
  profile.host_bytes = take<std::uint64_t>(json, "host_bytes", kPlausibleBytes);
  if (json.contains("libllama_needs")) {
    profile.libllama_needs = take_as(json, "libllama_needs", needs_from_json);
    profile.libllama_host_bytes = take<std::uint64_t>(json, "libllama_host_bytes", kPlausibleBytes);
  }
  profile.host_mapped_bytes = take<std::uint64_t>(json, "host_mapped_bytes", kPlausibleBytes);
  profile.checkpoint_bytes = take<std::uint64_t>(json, "checkpoint_bytes", kPlausibleBytes);
  profile.tokens_per_second = take_as(json, "tokens_per_second", speed_from_json);
  profile.prompt_tokens_per_second = take_as(json, "prompt_tokens_per_second", speed_from_json);
  profile.evidence = json.at("evidence").get<std::string>();
  return profile;
}

LoadReport report_from_json(const Json& json) {
  LoadReport report;
  report.profile = json.at("profile").get<std::string>();
  report.result = enum_at<LoadResult>(json, "result", load_result_from_string);
  report.device = json.at("device").get<std::string>();
  report.free_bytes = take<std::uint64_t>(json, "free_bytes", kPlausibleBytes);
  report.peak_bytes = take<std::uint64_t>(json, "peak_bytes", kPlausibleBytes);
  report.at = json.at("at").get<std::string>();
  // The first sets did not say whose report it was: nobody's who has a name.
  if (json.contains("program")) report.loader.program = json.at("program").get<std::string>();
  if (json.contains("arguments")) {
    report.loader.arguments = json.at("arguments").get<std::vector<std::string>>();
  }
  return report;
}

template <typename T, typename FromJson>
std::vector<T> list_at(const Json& json, const char* field, FromJson&& item_from_json) {
  const Json& list = json.at(field);
  if (!list.is_array()) refuse(json, std::string(field) + " is no list");
  std::vector<T> items;
  items.reserve(list.size());
  for (const Json& item : list) items.push_back(item_from_json(item));
  return items;
}

Bands bands_from_json(const Json& json) {
  const Bands bands{number_at<double>(json, "fast_percent"),
                    number_at<double>(json, "balanced_percent"),
                    number_at<double>(json, "performance_percent")};
  const bool rising = 0 < bands.fast_percent && bands.fast_percent <= bands.balanced_percent &&
                      bands.balanced_percent <= bands.performance_percent &&
                      bands.performance_percent <= 100;
  if (!rising) refuse(json, "the bands are not three rising percentages");
  return bands;
}

void read_model(ProfileSet& set, const Json& json) {
  set.model.path = json.at("path").get<std::string>();
  set.model.size_bytes = number_at<std::uint64_t>(json, "size_bytes", kPlausibleBytes);
  set.model.digest = json.at("digest").get<std::string>();
  set.model_name = json.at("name").get<std::string>();
  set.offloadable_layers = number_at<int>(json, "offloadable_layers", kPlausibleBlocks);
  constexpr const char* kHexDigits = "0123456789abcdef";
  if (set.model.digest.size() != kDigestChars ||
      set.model.digest.find_first_not_of(kHexDigits) != std::string::npos) {
    refuse(json, "digest is not 16 hex digits");
  }
}

// Whether what was read belongs together; what applications rely on without looking again.
void check_profiles(const ProfileSet& set, const Json& json) {
  std::set<std::string_view> devices;
  for (const SetDevice& device : set.devices) {
    if (!devices.insert(device.id).second) refuse(json, "two devices have one id");
  }
  std::set<std::string_view> names;
  for (const SavedProfile& profile : set.profiles) {
    if (profile.name.empty()) refuse(json, "a profile has no name");
    if (!names.insert(profile.name).second) refuse(json, "two profiles have one name");
    if (profile.config.placement.n_gpu_layers < 0 && profile.origin != Origin::defaults) {
      refuse(json, "a profile does not say how many layers are offloaded");
    }
    // As a flag 0 means what the model was trained for; kept is what that was.
    if (profile.config.context.n_ctx == 0) refuse(json, "a profile has no context");
    if (!profile.needs) continue;
    for (const DeviceNeed& need : *profile.needs) {
      if (devices.count(need.device) == 0) refuse(json, "a profile needs an unknown device");
    }
  }
}

}  // namespace

Json to_json(const LoadReport& report) {
  Json json = {
      {"profile", report.profile}, {"result", to_string(report.result)}, {"device", report.device}};
  put(json, "free_bytes", report.free_bytes);
  put(json, "peak_bytes", report.peak_bytes);
  json["at"] = report.at;
  json["program"] = report.loader.program;
  json["arguments"] = report.loader.arguments;
  return json;
}

Json to_json(const ProfileSet& set) {
  return {
      {"schema", kProfileSetSchema},
      {"created_at", set.created_at},
      {"origin", to_string(set.origin)},
      {"model", model_key_to_json(set)},
      {"fingerprint", fingerprint_to_json(set.fingerprint)},
      {"devices", array_of(set.devices, device_to_json)},
      {"rpc", set.rpc},
      {"workload", to_json(set.workload)},
      {"objective", to_string(set.objective)},
      {"bands", bands_to_json(set.bands)},
      {"profiles", array_of(set.profiles, saved_profile_to_json)},
      {"reports", array_of(set.reports, [](const LoadReport& report) { return to_json(report); })}};
}

ProfileSet profile_set_from_json(const Json& json) {
  if (json.at("schema").get<std::string>() != kProfileSetSchema) {
    refuse(json, "schema is not " + std::string(kProfileSetSchema));
  }
  ProfileSet set;
  set.created_at = json.at("created_at").get<std::string>();
  set.origin = enum_at<Origin>(json, "origin", origin_from_string);
  read_model(set, json.at("model"));
  set.fingerprint = fingerprint_from_json(json.at("fingerprint"));
  set.devices = list_at<SetDevice>(json, "devices", device_from);
  set.rpc = json.at("rpc").get<std::vector<std::string>>();
  const Json& workload = json.at("workload");
  set.workload = {number_at<std::uint32_t>(workload, "n_prompt", kPlausibleTokens),
                  number_at<std::uint32_t>(workload, "n_gen", kPlausibleTokens),
                  number_at<std::uint32_t>(workload, "n_depth", kPlausibleTokens),
                  number_at<std::uint32_t>(workload, "n_parallel", kPlausibleTokens)};
  set.objective = enum_at<Objective>(json, "objective", objective_from_string);
  set.bands = bands_from_json(json.at("bands"));
  set.profiles = list_at<SavedProfile>(json, "profiles", profile_from_json);
  set.reports = list_at<LoadReport>(json, "reports", report_from_json);
  check_profiles(set, json);
  return set;
}

}  // namespace sweetspot
