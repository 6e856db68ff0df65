#include "profiler/libllama_needs.hpp"

#include <string>
#include <vector>

#include "engine/oracle.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::profiler {
namespace {

std::uint64_t total_on(const MemoryMap& memory, const std::string& device) {
  const DeviceMemory* found = find_device(memory, device);
  return found == nullptr ? 0 : found->total_bytes();
}

std::uint64_t private_on_host(const MemoryMap& memory) {
  const DeviceMemory* found = find_device(memory, kHostDeviceId);
  return found == nullptr ? 0 : found->private_bytes();
}

/// What llama.cpp says of one profile, for each kind of program.
struct Maps {
  PlannedMemory server;
  PlannedMemory libllama;

  [[nodiscard]] std::string problem() const {
    return server.problem.empty() ? libllama.problem : server.problem;
  }
};

void nobody_knows(SavedProfile& profile, const std::string& why) {
  profile.libllama_needs = Absence{why};
  profile.libllama_host_bytes = Absence{why};
}

void add(SavedProfile& profile, const Maps& maps) {
  if (const std::string problem = maps.problem(); !problem.empty()) {
    return nobody_knows(profile, problem);
  }
  profile.libllama_needs = profile.needs;
  if (profile.needs) {
    std::vector<DeviceNeed> needs = *profile.needs;
    for (DeviceNeed& need : needs) {
      need.bytes += minus(total_on(maps.libllama.memory, need.device),
                          total_on(maps.server.memory, need.device));
    }
    profile.libllama_needs = std::move(needs);
  }
  profile.libllama_host_bytes = profile.host_bytes;
  if (profile.host_bytes) {
    profile.libllama_host_bytes = *profile.host_bytes + minus(private_on_host(maps.libllama.memory),
                                                              private_on_host(maps.server.memory));
  }
}

}  // namespace

void add_libllama_needs(ProfileSet& set, const engine::StartOptions& start,
                        const std::string& model_path) {
  std::vector<SavedProfile*> profiles;
  std::vector<Config> configs;
  for (SavedProfile& profile : set.profiles) {
    if (profile.config.context.host_program != HostProgram::llama_server) continue;
    profiles.push_back(&profile);
    configs.push_back(profile.config);
    configs.push_back(profile.config);
    configs.back().context.host_program = HostProgram::libllama;
  }
  if (profiles.empty()) return;
  auto oracle = engine::Oracle::open(start, model_path);
  auto answers = oracle ? oracle->ask(configs) : tl::unexpected(oracle.error());
  for (std::size_t i = 0; i < profiles.size(); ++i) {
    if (answers) {
      add(*profiles[i], {(*answers)[2 * i], (*answers)[2 * i + 1]});
    } else {
      nobody_knows(*profiles[i], answers.error().message);
    }
  }
}

}  // namespace sweetspot::profiler
