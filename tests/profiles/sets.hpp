// Profile sets and machines as test data.
#pragma once

#include <cstdint>
#include <string>
#include <sweetspot_version.hpp>
#include <vector>

#include "core/no_device.hpp"
#include "core/profile_set.hpp"
#include "ground/bytes.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::profiles::testing {

constexpr std::uint64_t kGB = 1'000'000'000;

inline SavedProfile saved(const std::string& name, int layers, std::vector<DeviceNeed> needs,
                          std::uint32_t n_ctx = 4096) {
  SavedProfile profile;
  profile.name = name;
  profile.config.placement.n_gpu_layers = layers;
  if (layers == 0) profile.config.placement = cpu_alone(profile.config.placement);
  profile.config.context.n_ctx = n_ctx;
  profile.needs = std::move(needs);
  return profile;
}

inline SetDevice cuda0() {
  SetDevice device;
  device.id = "CUDA0";
  device.description = "NVIDIA Test GPU";
  device.backend = "CUDA";
  device.pci_bus_id = std::string("0000:01:00.0");
  device.uuid = std::string("GPU-1");
  device.driver_version = std::string("550.54");
  device.memory_total_bytes = 8 * kGiB;
  device.memory_free_bytes = 7 * kGiB;
  device.power_limit_w = 100.0;
  return device;
}

/// Needs 6, 4 and 2 GiB of CUDA0, or none.
inline ProfileSet one_card() {
  ProfileSet set;
  set.model = {"/models/a.gguf", 5 * kGiB, "0123456789abcdef"};
  set.fingerprint = {"m", "0.7.0 build 1", kVersion, "A processor", {"GGML_X=1"}};
  set.devices = {cuda0()};
  set.profiles = {saved("performance", 33, {{"CUDA0", 6 * kGiB}}),
                  saved("balanced", 20, {{"CUDA0", 4 * kGiB}}),
                  saved("fast", 10, {{"CUDA0", 2 * kGiB}}), saved("cpu_fallback", 0, {}, 8192)};
  return set;
}

/// The card of one_card() with so much free.
inline LiveMachine live_card(std::uint64_t free_bytes) {
  LiveDevice device;
  device.id = "CUDA0";
  device.description = "NVIDIA Test GPU";
  device.pci_bus_id = std::string("0000:01:00.0");
  device.uuid = std::string("GPU-1");
  device.driver_version = std::string("550.54");
  device.memory_total_bytes = 8 * kGiB;
  device.memory_free_bytes = free_bytes;
  device.power_limit_w = 100.0;
  LiveMachine live;
  live.devices = {device};
  live.host_available_bytes = 32 * kGiB;
  live.llama_cpp = "0.7.0 build 1";
  live.environment = std::vector<std::string>{"GGML_X=1"};
  live.cpu = "A processor";
  live.model = ModelKey{"/other/name.gguf", 5 * kGiB, "0123456789abcdef"};
  return live;
}

/// The name of what was chosen; empty where nothing was.
inline std::string chosen(const ProfileSet& set, const Choice& choice) {
  return choice.profile ? set.profiles[*choice.profile].name : "";
}

inline std::vector<std::string> names(const ProfileSet& set, const std::vector<Rung>& rungs) {
  std::vector<std::string> names;
  names.reserve(rungs.size());
  for (const Rung& rung : rungs) names.push_back(set.profiles[rung.profile].name);
  return names;
}

inline LoadReport report(const std::string& profile, LoadResult result,
                         Reading<std::uint64_t> free_bytes = Absence{"not reported"}) {
  LoadReport report;
  report.profile = profile;
  report.result = result;
  report.free_bytes = std::move(free_bytes);
  return report;
}

}  // namespace sweetspot::profiles::testing
