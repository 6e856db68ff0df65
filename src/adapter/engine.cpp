#include "adapter/engine.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include "adapter/program_text.hpp"
#include "kernel/memory.hpp"

namespace sweetspot::adapter {
namespace {

constexpr std::chrono::seconds kToAnswer{30};
constexpr const char* kListDevices = "--list-devices";

std::vector<std::string> list_devices(const std::string& path, const dialect::Abilities& abilities,
                                      const std::vector<std::string>& rpc) {
  std::vector<std::string> argv = {path};
  if (!rpc.empty() && abilities.knows("--rpc")) {
    argv.emplace_back("--rpc");
    argv.push_back(fmt::format("{}", fmt::join(rpc, ",")));
  }
  argv.emplace_back(kListDevices);
  return argv;
}

}  // namespace

Answer<dialect::Abilities> look_at_engine(const std::string& path,
                                          const std::vector<std::string>& rpc) {
  if (path.empty()) {
    return fault(FaultCode::exception, Phase::hello,
                 "SWEETSPOT_ENGINE names no llama-server for sweetspot-adapter to drive");
  }
  dialect::ProgramTexts texts;
  auto version = printed_by({path, "--version"}, Phase::hello, kToAnswer);
  if (!version) return tl::unexpected(version.error());
  auto help = printed_by({path, "--help"}, Phase::hello, kToAnswer);
  if (!help) return tl::unexpected(help.error());
  texts.version = *std::move(version);
  texts.help = *std::move(help);
  dialect::Abilities abilities = dialect::read_abilities(texts);
  if (abilities.family == dialect::Family::other) {
    return fault(
        FaultCode::exception, Phase::hello,
        fmt::format("{} is no llama-server: its --help names no --model and --port", path));
  }
  if (!rpc.empty() && !abilities.knows("--rpc")) {
    return fault(FaultCode::config_rejected, Phase::hello,
                 fmt::format("{} was built without RPC, so RPC servers cannot be used", path));
  }
  if (!abilities.knows(kListDevices)) return abilities;
  auto devices = printed_by(list_devices(path, abilities, rpc), Phase::hello, kToAnswer);
  if (!devices) return tl::unexpected(devices.error());
  texts.devices = *std::move(devices);
  return dialect::read_abilities(texts);
}

// "0.7.0 (build 11669, commit X)" in two parts, as the linked worker has them.
Engine engine_of(const dialect::Abilities& abilities) {
  Engine engine;
  const std::string& said = abilities.version;
  const std::size_t open = said.find(" (");
  engine.llama_version = said.substr(0, open);
  engine.llama_build = said;
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

void clear_environment() {
  std::vector<std::string> names;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view entry = *each;
    if (entry.starts_with("LLAMA_")) names.emplace_back(entry.substr(0, entry.find('=')));
  }
  // NOLINTBEGIN(concurrency-mt-unsafe): there is one thread yet
  for (const std::string& name : names) ::unsetenv(name.c_str());
  // A folder that there is not: no llama.cpp/config.ini is found below it.
  ::setenv("XDG_CONFIG_HOME", "/dev/null", 1);
  // NOLINTEND(concurrency-mt-unsafe)
}

}  // namespace sweetspot::adapter
