#include <algorithm>
#include <array>
#include <sweetspot_version.hpp>
#include <utility>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "profiles/make_set.hpp"

namespace sweetspot::profiles {
namespace {

constexpr std::uint64_t kGigabyte = 1'000'000'000;
constexpr std::uint32_t kLargeContext = 4096;

struct Usual {
  std::string_view name;
  std::string_view recommended_for;
  int n_gpu_layers;
  std::uint32_t n_ctx;
  std::uint32_t n_batch;
  std::uint64_t from_card_bytes;     // of total memory
  std::uint64_t unknown_size_bytes;  // that must be free where the model's size is unknown
};

constexpr std::array<Usual, 4> kUsual{{
    {"performance", "cards with 8 GB or more", 40, 4096, 512, 8 * kGigabyte, 6 * kGigabyte},
    {"balanced", "cards with 4 to 8 GB, daily use", 30, 2048, 256, 4 * kGigabyte, 4 * kGigabyte},
    {"fast", "small cards, and work beside other programs", 20, 2048, 256, 0, 3 * kGigabyte},
    {"cpu_fallback", "no GPU, or none with memory to spare", 0, 2048, 128, 0, 0},
}};

const Usual* usual(std::string_view name) {
  for (const Usual& entry : kUsual) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

SavedProfile profile_of(const Usual& usual) {
  SavedProfile profile;
  profile.name = usual.name;
  profile.recommended_for = usual.recommended_for;
  profile.origin = Origin::defaults;
  profile.config.placement.n_gpu_layers = usual.n_gpu_layers;
  profile.config.context.n_ctx = usual.n_ctx;
  profile.config.context.n_batch = usual.n_batch;
  // llama.cpp clamps it to n_batch itself; a saved config says what will be.
  profile.config.context.n_ubatch = usual.n_batch;
  if (usual.n_gpu_layers == 0) {
    profile.config.placement = cpu_alone(profile.config.placement);
    profile.needs = std::vector<DeviceNeed>();
  }
  profile.evidence = "usual values for a card of this size: nothing of this model was measured";
  return profile;
}

// A driver alone does not know what ggml will call its card.
std::string live_id_of(const LiveDevice& device) {
  if (!device.id.empty()) return device.id;
  return device.pci_bus_id ? *device.pci_bus_id : device.description;
}

SetDevice set_device_of(const LiveDevice& live) {
  SetDevice device;
  device.id = live_id_of(live);
  device.description = live.description;
  device.pci_bus_id = live.pci_bus_id;
  device.uuid = live.uuid;
  device.driver_version = live.driver_version;
  device.memory_total_bytes = live.memory_total_bytes;
  device.memory_free_bytes = live.memory_free_bytes;
  device.power_limit_w = live.power_limit_w;
  return device;
}

}  // namespace

std::uint64_t default_need_bytes(const SavedProfile& profile, const ModelKey& model) {
  if (profile.is_cpu_only()) return 0;
  const bool large_context = profile.config.context.n_ctx >= kLargeContext;
  if (model.size_bytes == 0) {
    const Usual* const known = usual(profile.name);
    if (known != nullptr) return known->unknown_size_bytes;
    return (large_context ? 6 : 4) * kGigabyte;
  }
  const int asked = profile.config.placement.n_gpu_layers;
  const auto layers =
      static_cast<std::uint64_t>(asked < 0 ? kUsualLayers : std::min(asked, kUsualLayers));
  const std::uint64_t weights = model.size_bytes / kUsualLayers * layers;
  return weights + (large_context ? kGigabyte * 3 / 2 : kGigabyte);
}

std::uint64_t default_card_bytes(std::string_view profile_name) {
  const Usual* const known = usual(profile_name);
  return known == nullptr ? 0 : known->from_card_bytes;
}

ProfileSet default_set(const ModelKey& model, const LiveMachine& live) {
  ProfileSet set;
  set.created_at = utc_now();
  set.origin = Origin::defaults;
  set.model = model;
  set.fingerprint.tool = kVersion;
  set.fingerprint.llama_cpp = live.llama_cpp;
  set.fingerprint.cpu = live.cpu;
  set.fingerprint.environment = live.environment.value_or(std::vector<std::string>());
  set.rpc = live.rpc.value_or(std::vector<std::string>());
  set.devices.reserve(live.devices.size());
  for (const LiveDevice& device : live.devices) set.devices.push_back(set_device_of(device));
  set.profiles.reserve(kUsual.size());
  for (const Usual& entry : kUsual) set.profiles.push_back(profile_of(entry));
  return set;
}

}  // namespace sweetspot::profiles
