#include "adapter/engine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include "kernel/memory.hpp"
#include "servers/command.hpp"

namespace sweetspot::adapter {
namespace {

tl::unexpected<protocol::Fault> refused(const Error& error) {
  const char* const between = error.remedy.empty() ? "" : "; ";
  return fault(FaultCode::exception, Phase::hello,
               fmt::format("{}{}{}", error.message, between, error.remedy));
}

}  // namespace

Answer<servers::ServerCard> look_at_engine(const std::string& text,
                                           const std::vector<std::string>& rpc) {
  if (text.empty()) {
    return fault(FaultCode::exception, Phase::hello,
                 "SWEETSPOT_ENGINE names no llama-server for sweetspot-adapter to drive");
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
  const char* const path = std::getenv("PATH");
  const auto command = servers::command_of(text, path == nullptr ? "" : path);
  if (!command) return refused(command.error());
  servers::ReadOptions options;
  options.cache_folder = servers::user_cache_folder();
  options.devices = true;
  options.rpc = fmt::format("{}", fmt::join(rpc, ","));
  auto card = servers::read_server(*command, options);
  if (!card) return refused(card.error());
  if (!rpc.empty() && !card->abilities.knows("--rpc")) {
    return fault(FaultCode::config_rejected, Phase::hello,
                 fmt::format("{} was built without RPC, so RPC servers cannot be used", text));
  }
  return *std::move(card);
}

// "0.7.0 (build 11669, commit X)" as the linked worker says it: "0.7.0 build 11669 (X)".
Engine engine_of(const dialect::Abilities& abilities) {
  constexpr std::string_view kBuild = " (build ";
  constexpr std::string_view kCommit = ", commit ";
  Engine engine;
  const std::string& said = abilities.version;
  engine.llama_version = said.substr(0, said.find(" ("));
  engine.llama_build = said;
  const std::size_t commit = said.find(kCommit);
  const std::size_t build = said.find(kBuild);
  if (build == engine.llama_version.size() && commit != std::string::npos && said.back() == ')') {
    const std::size_t number = build + kBuild.size();
    engine.llama_build =
        fmt::format("{} build {} ({}", engine.llama_version, said.substr(number, commit - number),
                    said.substr(commit + kCommit.size()));
  }
  if (engine.llama_version.empty()) engine.llama_version = engine.llama_build = "unknown";
  if (abilities.family == dialect::Family::ik_llama_cpp) engine.llama_version += " (ik_llama.cpp)";
  engine.ggml_version = engine.ggml_commit = "unknown";
  std::set<std::string> backends = {"CPU"};
  for (const Device& device : abilities.devices) backends.insert(device.backend);
  engine.backends.assign(backends.begin(), backends.end());
  return engine;
}

Device host_device() {
  Device host;
  host.id = host.backend = "CPU";
  host.description = "this machine's processor";
  host.type = DeviceType::cpu;
  host.pci_bus_id = Absence{"a processor has none"};
  host.memory_total_bytes = kernel::host_memory().total_bytes;
  host.memory_free_bytes = Absence{"llama-server does not tell"};
  return host;
}

}  // namespace sweetspot::adapter
