// What an application loads: named configs with the memory each needs, for one model on one
// machine. Stored as sweetspot.profiles/1 (docs/formats/profiles-1.md). Values only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/knobs.hpp"
#include "core/model_info.hpp"
#include "core/profile.hpp"
#include "core/ranges.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot {

/// What a profile rests on, weakest last.
enum class Origin {
  measured,  ///< a trial of this config on this machine
  planned,   ///< llama.cpp's own memory map against the card; nobody ran it
  defaults,  ///< usual values for a card of this size; nothing is known of the model
};

constexpr EnumNames<Origin, 3> names_of(Origin /*of*/) {
  return {{
      {Origin::measured, "measured"},
      {Origin::planned, "planned"},
      {Origin::defaults, "defaults"},
  }};
}

/// The file of a model, told from its bytes without parsing it: renaming, copying or touching it
/// changes nothing, other weights or another header do.
struct ModelKey {
  std::string path;              ///< of the first file
  std::uint64_t size_bytes = 0;  ///< of all files
  std::string digest;            ///< 16 hex digits over sizes, heads and tails

  [[nodiscard]] bool same_model(const ModelKey& other) const {
    return digest == other.digest && size_bytes == other.size_bytes;
  }
  bool operator==(const ModelKey&) const = default;
};

/// 16 lower case hex digits.
bool is_digest(std::string_view text);

void fields(auto& f, Is<ModelKey> auto& key) {
  f("path", key.path);
  f("size_bytes", key.size_bytes, kPlausibleBytes);
  f("digest", key.digest);
  f.check(is_digest(key.digest), "digest is not 16 hex digits");
}

/// Memory that must be free on a device before a profile is loaded.
struct DeviceNeed {
  std::string device;       ///< SetDevice::id
  std::uint64_t bytes = 0;  ///< llama.cpp's buffers and what the device takes for a process

  bool operator==(const DeviceNeed&) const = default;
};

void fields(auto& f, Is<DeviceNeed> auto& need) {
  f("device", need.device);
  f("bytes", need.bytes, kPlausibleBytes);
}

/// A config that an application may load as it stands.
struct SavedProfile {
  std::string name;  ///< fast, balanced, performance, cpu_fallback, tuned, or "layers-12"
  std::string recommended_for;
  Origin origin = Origin::measured;
  Config config;  ///< n_gpu_layers as offloaded, never -1; with origin `defaults` as wished
  /// One for each device it takes memory of; none for the CPU alone. Absent where nobody asked
  /// llama.cpp.
  Reading<std::vector<DeviceNeed>> needs = Absence{"not asked"};
  Reading<std::uint64_t> host_bytes = Absence{"not asked"};  ///< beside the mapped weights
  /// The same in a program that keeps libllama's defaults (HostProgram::libllama), where the
  /// profile was made for llama-server.
  Reading<std::vector<DeviceNeed>> libllama_needs = Absence{"not asked"};
  Reading<std::uint64_t> libllama_host_bytes = Absence{"not asked"};
  Reading<std::uint64_t> host_mapped_bytes =
      Absence{"not asked"};  ///< weights mapped from the file
  /// One context checkpoint of llama-server at most; 0 where it makes none.
  Reading<std::uint64_t> checkpoint_bytes = Absence{"not asked"};
  /// Under the set's workload.
  Reading<Estimate> tokens_per_second = Absence{"not measured"};
  Reading<Estimate> prompt_tokens_per_second = Absence{"not measured"};
  std::string evidence;  ///< one sentence: what it rests on

  /// What it is compared by: generation, or what it reads where it only reads.
  [[nodiscard]] const Reading<Estimate>& speed() const {
    return config.context.embeddings ? prompt_tokens_per_second : tokens_per_second;
  }

  /// No device takes part in it.
  [[nodiscard]] bool is_cpu_only() const;
  bool operator==(const SavedProfile&) const = default;
};

// Knobs that came after the first sets were written: in those they had llama.cpp's default.
inline constexpr std::array<std::string_view, 4> kLaterKnobs = {
    "embeddings", "pooling", "cache_ram_mib", "n_ctx_checkpoints"};

// A setting left out would silently become its default, and the profile another one. Sets that do
// not say the program were measured with libllama's defaults.
void kept_config(auto& f, Is<Config> auto& config) {
  for (const Knob& knob : knobs()) {
    const bool later =
        std::find(kLaterKnobs.begin(), kLaterKnobs.end(), knob.name) != kLaterKnobs.end();
    f.knob(knob, config, later ? KnobNeed::optional : KnobNeed::required);
  }
  f.later("host_program", config.context.host_program, HostProgram::libllama);
}

void fields(auto& f, Is<SavedProfile> auto& profile) {
  f("name", profile.name);
  f("recommended_for", profile.recommended_for);
  f("origin", profile.origin);
  f.group("config", [&](auto& config) { kept_config(config, profile.config); });
  f("needs", profile.needs);
  f("host_bytes", profile.host_bytes, kPlausibleBytes);
  f.later("libllama_needs", profile.libllama_needs);
  f.later("libllama_host_bytes", profile.libllama_host_bytes, kPlausibleBytes);
  f.later("host_mapped_bytes", profile.host_mapped_bytes, kPlausibleBytes);
  f.later("checkpoint_bytes", profile.checkpoint_bytes, kPlausibleBytes);
  f("tokens_per_second", profile.tokens_per_second);
  f("prompt_tokens_per_second", profile.prompt_tokens_per_second);
  f("evidence", profile.evidence);
}

/// A device as it was when the set was made. All but `id` decide whether the set is stale.
struct SetDevice {
  std::string id;           ///< ggml's name: CUDA0, Vulkan0, RPC0
  std::string description;  ///< "NVIDIA GeForce RTX 4050 Laptop GPU"
  std::string backend;      ///< CUDA, Vulkan, RPC
  Reading<std::string> pci_bus_id;
  Reading<std::string> uuid;
  Reading<std::string> driver_version;
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_free_bytes;  ///< before anything of ours was loaded
  Reading<double> power_limit_w;

  bool operator==(const SetDevice&) const = default;
};

void fields(auto& f, Is<SetDevice> auto& device) {
  f("id", device.id);
  f("description", device.description);
  f("backend", device.backend);
  f("pci_bus_id", device.pci_bus_id);
  f("uuid", device.uuid);
  f("driver_version", device.driver_version);
  f("memory_total_bytes", device.memory_total_bytes, kPlausibleBytes);
  f("memory_free_bytes", device.memory_free_bytes, kPlausibleBytes);
  f("power_limit_w", device.power_limit_w);
}

/// What else the measurements depend on (R41).
struct Fingerprint {
  std::string model;      ///< ModelInfo::fingerprint; empty where no worker read the header
  std::string llama_cpp;  ///< "0.7.0 build 11669 (Debian)"; empty with origin `defaults`
  std::string tool;       ///< our version
  std::string cpu;
  std::vector<std::string> environment;  ///< NAME=value that change how llama.cpp runs; sorted

  bool operator==(const Fingerprint&) const = default;
};

void fields(auto& f, Is<Fingerprint> auto& fingerprint) {
  f("model", fingerprint.model);
  f("llama_cpp", fingerprint.llama_cpp);
  f("tool", fingerprint.tool);
  f("cpu", fingerprint.cpu);
  f("environment", fingerprint.environment);
}

enum class LoadResult { loaded, out_of_memory, crashed, timed_out };

constexpr EnumNames<LoadResult, 4> names_of(LoadResult /*of*/) {
  return {{
      {LoadResult::loaded, "loaded"},
      {LoadResult::out_of_memory, "out-of-memory"},
      {LoadResult::crashed, "crashed"},
      {LoadResult::timed_out, "timed-out"},
  }};
}

/// Who loads a profile: what one program did with one set of arguments says nothing of another
/// (R51).
struct Loader {
  std::string program;                 ///< "llama-server"; empty = an application without a name
  std::vector<std::string> arguments;  ///< that change memory or what it does, sorted

  bool operator==(const Loader&) const = default;
};

/// What an application says of a profile that it loaded, or tried to.
struct LoadReport {
  std::string profile;  ///< SavedProfile::name
  LoadResult result = LoadResult::loaded;
  std::string device;  ///< the one the figures are of; empty = the first that the profile needs
  Reading<std::uint64_t> free_bytes = Absence{"not reported"};  ///< before the load
  Reading<std::uint64_t> peak_bytes = Absence{"not reported"};  ///< most it took
  std::string at;                                               ///< UTC, ISO 8601
  Loader loader = {};

  bool operator==(const LoadReport&) const = default;
};

// The first sets did not say whose report it was: nobody's who has a name.
void fields(auto& f, Is<LoadReport> auto& report) {
  f("profile", report.profile);
  f("result", report.result);
  f("device", report.device);
  f("free_bytes", report.free_bytes, kPlausibleBytes);
  f("peak_bytes", report.peak_bytes, kPlausibleBytes);
  f("at", report.at);
  f.later("program", report.loader.program);
  f.later("arguments", report.loader.arguments);
}

/// At most so many reports are kept, the newest.
inline constexpr std::size_t kKeptReports = 32;

struct ProfileSet {
  std::string created_at;  ///< UTC, ISO 8601
  Origin origin = Origin::measured;
  bool complete = true;  ///< false: of a measurement that was ended early
  ModelKey model;
  std::string model_name;  ///< for people; from the file, hostile until escaped
  int offloadable_layers = 0;
  Fingerprint fingerprint;
  std::string engine = {};         ///< as Engine::program: what the profiles are launched with
  std::vector<SetDevice> devices;  ///< that its profiles may offload to
  std::vector<std::string> rpc;    ///< endpoints, as "host:port"
  Workload workload;               ///< that the speeds belong to
  Objective objective = Objective::generation;
  Bands bands;
  std::vector<SavedProfile> profiles;  ///< fastest first; the last one is the CPU alone
  std::vector<LoadReport> reports;     ///< oldest first

  /// The profile of that name, or nullptr.
  [[nodiscard]] const SavedProfile* find(std::string_view name) const {
    for (const SavedProfile& profile : profiles) {
      if (profile.name == name) return &profile;
    }
    return nullptr;
  }
  bool operator==(const ProfileSet&) const = default;
};

/// What kind of document a profile set is, and the version that this program writes.
inline constexpr const char* kProfileSetSchema = "sweetspot.profiles/1";

/// docs/formats/profiles-1.md.
void fields(auto& f, Is<ProfileSet> auto& set) {
  f.constant("schema", kProfileSetSchema);
  f("created_at", set.created_at);
  f("origin", set.origin);
  f.later("complete", set.complete);
  f.group("model", [&](auto& model) {
    fields(model, set.model);
    model("name", set.model_name);
    model("offloadable_layers", set.offloadable_layers, kPlausibleBlocks);
  });
  f("fingerprint", set.fingerprint);
  f.later("engine", set.engine);
  f("devices", set.devices);
  f("rpc", set.rpc);
  f("workload", set.workload);
  f("objective", set.objective);
  f("bands", set.bands);
  f("profiles", set.profiles);
  f("reports", set.reports);
}

/// What of a set does not belong together, as a clause; empty where all does. Applications rely on
/// it without looking again.
std::string misfit_of(const ProfileSet& set);

/// A device as it is at this moment.
struct LiveDevice {
  std::string id;  ///< ggml's name; empty where only a driver was asked
  Reading<std::string> pci_bus_id;
  std::string description;
  Reading<std::string> uuid;
  Reading<std::string> driver_version;
  Reading<std::uint64_t> memory_total_bytes;
  Reading<std::uint64_t> memory_free_bytes;
  Reading<double> power_limit_w;
  bool asleep = false;  ///< not read, because reading would wake it: nothing is loaded on it
  bool shares_host_memory = false;  ///< integrated or unified: what it takes, the host lacks
};

/// What choosing looks at. What nobody can tell is empty or absent and is not compared.
struct LiveMachine {
  std::vector<LiveDevice> devices;
  Reading<std::uint64_t> host_available_bytes;
  std::string llama_cpp;  ///< that will load the profile, as in Fingerprint
  std::optional<std::vector<std::string>> environment;
  std::string cpu;
  std::optional<std::vector<std::string>> rpc;  ///< endpoints that will be registered, in order
  std::optional<ModelKey> model;                ///< of the file that will be loaded
};

}  // namespace sweetspot
