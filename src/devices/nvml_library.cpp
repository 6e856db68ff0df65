#include "devices/nvml_library.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <utility>

#include "devices/telemetry.hpp"

namespace sweetspot::devices::nvml {
namespace {

class Loader {
 public:
  Loader(void* handle, const SymbolFilter& filter) : handle_(handle), filter_(filter) {}

  template <typename Function>
  void load(const char* name, Function*& into) const {
    if (filter_ && !filter_(name)) return;
    into = reinterpret_cast<Function*>(::dlsym(handle_, name));
  }

 private:
  void* handle_;
  const SymbolFilter& filter_;
};

Symbols load_symbols(void* handle, const SymbolFilter& filter) {
  const Loader loader(handle, filter);
  Symbols symbols;
  loader.load("nvmlInit_v2", symbols.init);
  loader.load("nvmlInitWithFlags", symbols.init_with_flags);
  loader.load("nvmlShutdown", symbols.shutdown);
  loader.load("nvmlSystemGetDriverVersion", symbols.driver_version);
  loader.load("nvmlDeviceGetCount_v2", symbols.device_count);
  loader.load("nvmlDeviceGetHandleByIndex_v2", symbols.device_by_index);
  loader.load("nvmlDeviceGetHandleByPciBusId_v2", symbols.device_by_pci);
  loader.load("nvmlDeviceGetPciInfo_v3", symbols.pci_info);
  loader.load("nvmlDeviceGetName", symbols.name);
  loader.load("nvmlDeviceGetUUID", symbols.uuid);
  loader.load("nvmlDeviceGetMemoryInfo", symbols.memory);
  loader.load("nvmlDeviceGetMemoryInfo_v2", symbols.memory_v2);
  loader.load("nvmlDeviceGetUtilizationRates", symbols.utilisation);
  loader.load("nvmlDeviceGetTemperature", symbols.temperature);
  loader.load("nvmlDeviceGetTemperatureV", symbols.temperature_v);
  loader.load("nvmlDeviceGetPowerUsage", symbols.power_usage);
  loader.load("nvmlDeviceGetEnforcedPowerLimit", symbols.enforced_power_limit);
  loader.load("nvmlDeviceGetPowerManagementLimit", symbols.power_limit);
  loader.load("nvmlDeviceGetPowerManagementDefaultLimit", symbols.power_limit_default);
  loader.load("nvmlDeviceGetCurrPcieLinkGeneration", symbols.link_generation);
  loader.load("nvmlDeviceGetMaxPcieLinkGeneration", symbols.link_generation_max);
  loader.load("nvmlDeviceGetClockInfo", symbols.clock);
  loader.load("nvmlDeviceGetCurrentClocksEventReasons", symbols.event_reasons);
  loader.load("nvmlDeviceGetCurrentClocksThrottleReasons", symbols.throttle_reasons);
  loader.load("nvmlDeviceGetFieldValues", symbols.field_values);
  loader.load("nvmlDeviceGetMaxClockInfo", symbols.max_clock);
  loader.load("nvmlDeviceGetViolationStatus", symbols.violation_status);
  loader.load("nvmlDeviceGetTotalEnergyConsumption", symbols.total_energy);
  loader.load("nvmlDeviceGetProcessUtilization", symbols.process_utilisation);
  return symbols;
}

constexpr std::array<std::pair<Return, std::string_view>, 21> kWords{{
    {kUninitialized, "NVML was not initialised"},
    {kInvalidArgument, "the driver refused the question"},
    {kNotSupported, "not supported on this device"},
    {kNoPermission, "not permitted for this user"},
    {kNotFound, "not found by the driver"},
    {kInsufficientSize, "the driver has more to tell than there is room for"},
    {kInsufficientPower, "the GPU's power cables are not attached properly"},
    {kDriverNotLoaded, "the NVIDIA driver is not loaded"},
    {kTimeout, "the driver timed out"},
    {kIrqIssue, "the kernel reports an interrupt problem with the GPU"},
    {kFunctionNotFound, "this driver does not have the function"},
    {kGpuIsLost, kLostReason},
    {kResetRequired, "the GPU needs a reset before it can be used again"},
    {kOperatingSystem, "the operating system or a cgroup blocks the GPU"},
    {kVersionMismatch, "the NVIDIA library and the kernel module have different versions: reboot"},
    {kNoData, "the driver has no data"},
    {kArgumentVersionMismatch, "the driver does not know this version of the question"},
    {kDeprecated, "the driver has withdrawn the function"},
    {kNotReady, "the driver is not ready"},
    {kGpuNotFound, "no NVIDIA GPU was found"},
    {kUnknown, "unknown error in the driver"},
}};

}  // namespace

tl::expected<Library, std::string> load(const std::string& path, const SymbolFilter& filter) {
  Library library;
  library.handle.reset(::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL), [](void* handle) {
    if (handle != nullptr) ::dlclose(handle);
  });
  if (!library.handle) return tl::unexpected<std::string>(fmt::format("{} cannot be loaded", path));
  library.symbols = load_symbols(library.handle.get(), filter);
  return library;
}

std::string describe(Return code) {
  for (const auto& [known, words] : kWords) {
    if (known == code) return std::string(words);
  }
  return fmt::format("driver error {}", code);
}

Absence missing(std::string_view symbol) {
  return Absence{fmt::format("this driver's NVML has no {}", symbol)};
}

}  // namespace sweetspot::devices::nvml
