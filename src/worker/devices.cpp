#include "worker/devices.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ggml-rpc.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "answering/greeting.hpp"
#include "core/ranges.hpp"
#include "kernel/own_file.hpp"
#include "worker/library_log.hpp"

namespace sweetspot::worker {
namespace {

DeviceType type_of(enum ggml_backend_dev_type type) {
  switch (type) {
    case GGML_BACKEND_DEVICE_TYPE_CPU:
      return DeviceType::cpu;
    case GGML_BACKEND_DEVICE_TYPE_GPU:
      return DeviceType::gpu;
    case GGML_BACKEND_DEVICE_TYPE_IGPU:
      return DeviceType::igpu;
    default:
      return DeviceType::accel;
  }
}

void set_memory(Device& device, std::uint64_t free, std::uint64_t total) {
  const auto absent = [&](const char* reason) {
    device.memory_total_bytes = Absence{reason};
    device.memory_free_bytes = Absence{reason};
  };
  if (total == 0 && free == 0) return absent("ggml reports no memory for this device");
  if (total == 0) return absent("ggml reports a total of 0");
  if (!holds(kPlausibleBytes, std::uint64_t{total})) {
    return absent("ggml reports more memory than any device has");
  }
  if (free > total) return absent("ggml reports more free memory than there is");
  device.memory_total_bytes = total;
  if (device.type == DeviceType::cpu && free == total) {
    device.memory_free_bytes = Absence{"ggml does not measure free system memory"};
  } else {
    device.memory_free_bytes = free;
  }
}

Device describe(ggml_backend_dev_t handle) {
  ggml_backend_dev_props props{};
  ggml_backend_dev_get_props(handle, &props);
  Device device;
  device.id = props.name != nullptr ? props.name : "";
  device.description = props.description != nullptr ? props.description : "";
  if (const ggml_backend_reg_t reg = ggml_backend_dev_backend_reg(handle)) {
    device.backend = ggml_backend_reg_name(reg);
  }
  device.type = type_of(props.type);
  if (props.device_id != nullptr && *props.device_id != '\0') {
    device.pci_bus_id = std::string(props.device_id);
  } else {
    device.pci_bus_id = Absence{"ggml reports no PCI address for this device"};
  }
  set_memory(device, props.memory_free, props.memory_total);
  return device;
}

Answer<void> connect_rpc_server(const std::string& text, Reply& reply) {
  if (auto reached = answering::reach_rpc_server(text, reply); !reached) return reached;
  using AddServer = decltype(&ggml_backend_rpc_add_server);
  const auto add = backend_function<AddServer>("RPC", "ggml_backend_rpc_add_server");
  if (add == nullptr) {
    return fault(FaultCode::bad_request, Phase::rpc_connect,
                 "this llama.cpp has no RPC backend, so RPC servers cannot be used");
  }
  const auto mark = library_log::mark();
  const ggml_backend_reg_t reg = add(text.c_str());
  if (reg == nullptr) {
    return fault(FaultCode::rpc_refused, Phase::rpc_connect,
                 fmt::format("ggml cannot use the RPC server {}: {}", text,
                             library_log::last_problem(mark)));
  }
  ggml_backend_register(reg);
  return {};
}

/// What the environment names before what lies beside this program; "" leaves it to ggml.
std::string backends_folder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in this process writes the environment any more
  const char* const named = std::getenv("SWEETSPOT_GGML_BACKENDS_DIR");
  if (named != nullptr && *named != '\0') return named;
  const std::string own = kernel::own_folder();
  const std::string beside = own + "/llama/backends";
  std::error_code problem;
  return !own.empty() && std::filesystem::is_directory(beside, problem) ? beside : std::string();
}

}  // namespace

Answer<void> load_backends() {
  const std::string folder = backends_folder();
  if (folder.empty()) {
    ggml_backend_load_all();
  } else {
    ggml_backend_load_all_from_path(folder.c_str());
  }
  if (ggml_backend_dev_count() == 0) {
    return fault(FaultCode::device_unknown, Phase::hello,
                 folder.empty() ? std::string("ggml found no backend to load")
                                : fmt::format("ggml found no backend in {}", folder));
  }
  return {};
}

std::vector<std::string> backend_problems() {
  std::vector<std::string> problems;
  const std::string folder = backends_folder();
  std::error_code problem;
  std::filesystem::directory_iterator entry(folder, problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    const std::string name = entry->path().filename().string();
    // Of the CPU's backends ggml takes the one that suits this processor; the others need not load.
    const bool backend = name.starts_with("libggml-") && name.ends_with(".so");
    if (!backend || name.starts_with("libggml-cpu-")) continue;
    // ggml has loaded it already, or could not: then this says why, which ggml keeps to itself.
    if (void* const library = dlopen(entry->path().c_str(), RTLD_LAZY | RTLD_LOCAL)) {
      dlclose(library);
    } else {
      // NOLINTNEXTLINE(concurrency-mt-unsafe): glibc's is one per thread
      const char* const why = dlerror();
      problems.push_back(fmt::format("llama.cpp's backend {} cannot be loaded: {}", name,
                                     why != nullptr ? why : "the loader does not say why"));
    }
  }
  std::sort(problems.begin(), problems.end());
  return problems;
}

Answer<void> connect_rpc_servers(const std::vector<std::string>& endpoints, Reply& reply) {
  for (const std::string& endpoint : endpoints) {
    if (auto connected = connect_rpc_server(endpoint, reply); !connected) return connected;
  }
  return {};
}

std::vector<Device> list_devices() {
  std::vector<Device> devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    devices.push_back(describe(ggml_backend_dev_get(i)));
  }
  return devices;
}

Answer<std::vector<ggml_backend_dev_t>> find_devices(const std::vector<std::string>& names,
                                                     Phase phase) {
  std::vector<ggml_backend_dev_t> found;
  for (const std::string& name : names) {
    const ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
    if (device == nullptr) {
      std::vector<std::string> known;
      for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
        known.emplace_back(ggml_backend_dev_name(ggml_backend_dev_get(i)));
      }
      return fault(
          FaultCode::device_unknown, phase,
          fmt::format("there is no device {}; there are {}", name, fmt::join(known, ", ")));
    }
    found.push_back(device);
  }
  return found;
}

}  // namespace sweetspot::worker
