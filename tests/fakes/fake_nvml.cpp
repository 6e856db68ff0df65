// A stand-in for libnvidia-ml.so.1 that behaves, and lies, as its script says.
//
// FAKE_NVML_SCRIPT names a JSON file, read at nvmlInit:
//   {"driver_version": "550.54", "calls_file": "/tmp/calls", "errors": {"nvmlInit_v2": 9},
//    "gpus": [{"pci": "00000000:C1:00.0", "name": "...", "uuid": "...",
//              "memory":    {"total": n, "free": n, "used": n, "reserved": n},   // v2
//              "memory_v1": {"total": n, "free": n, "used": n},
//              "utilisation": n, "temperature": n, "power_mw": n, "power_field_mw": n,
//              "power_instant_mw": n,
//              "power_limit_mw": n, "graphics_mhz": n, "memory_mhz": n, "throttle": n,
//              "power_limit_default_mw": n, "pcie": n, "pcie_max": n,
//              "graphics_max_mhz": n, "energy_mj": n,
//              "held_ns":      {"power": n, "thermal": n, "board": n, "reliability": n},   //
//              fields "violation_ns": {...},                            // the same by the older
//              call "processes": [[{"pid": n, "sm": n, "time_us": n}], ...],   // one list per call
//              "errors": {"nvmlDeviceGetPowerUsage": 3},
//              "block_ms": {"nvmlDeviceGetPowerUsage": 30000}, "release_file": "/tmp/go",
//              "lost_after_calls": n}]}
// Any n may be a list: one entry per call, the last one for ever; or a counter that runs by itself:
//   {"from": n, "per_second": n, "wraps_at": n, "resets_at_s": n}     seconds since nvmlInit
// A value that is missing is answered with NOT_SUPPORTED. A blocked call ends early once
// release_file exists. Every call is appended to calls_file, one symbol per line, with the GPU's
// PCI id where it is about one.
//
// Struct versions are checked as the real driver checks them. FAKE_NVML_NO_MEMORY_V2 builds the
// library of an old driver, without that symbol.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "devices/nvml_abi.hpp"

#define FAKE_NVML_API extern "C" __attribute__((visibility("default"))) Return

namespace {

using nlohmann::json;
using namespace sweetspot::devices::nvml;

struct Gpu {
  json script;
  std::map<std::string, std::size_t> steps;  // how often each value was asked for
  long long calls = 0;
};

struct Machine {
  json script = json::object();
  std::vector<std::unique_ptr<Gpu>> gpus;
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
};

std::mutex mutex;
std::shared_ptr<Machine> machine;
int users = 0;  // as the real one counts them

std::shared_ptr<Machine> read_script() {
  auto read = std::make_shared<Machine>();
  const char* const path = std::getenv("FAKE_NVML_SCRIPT");
  if (path == nullptr) return read;
  std::ifstream file(path);
  read->script = json::parse(file, nullptr, false);
  if (!read->script.is_object()) read->script = json::object();
  for (const json& gpu : read->script.value("gpus", json::array())) {
    read->gpus.push_back(std::make_unique<Gpu>());
    read->gpus.back()->script = gpu;
  }
  return read;
}

// With the mutex held.
void log_call(const json& script, const std::string& symbol, const std::string& pci) {
  const std::string path = script.value("calls_file", "");
  if (path.empty()) return;
  std::ofstream(path, std::ios::app) << symbol << (pci.empty() ? "" : " " + pci) << '\n';
}

Return scripted_error(const json& script, const std::string& symbol) {
  const json errors = script.value("errors", json::object());
  return errors.value(symbol, kSuccess);
}

void block(const Gpu& gpu, const std::string& symbol, std::unique_lock<std::mutex>& lock) {
  const json times = gpu.script.value("block_ms", json::object());
  const std::chrono::milliseconds time(times.value(symbol, 0));
  const std::string release = gpu.script.value("release_file", "");
  lock.unlock();
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (!release.empty() && std::filesystem::exists(release)) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  lock.lock();
}

// A call about the library; kSuccess unless the script says otherwise.
Return global_call(const std::string& symbol) {
  const std::lock_guard lock(mutex);
  if (!machine) return kUninitialized;
  log_call(machine->script, symbol, "");
  return scripted_error(machine->script, symbol);
}

// Runs `answer(gpu)` unless the script lets the call fail.
template <typename Answer>
Return device_call(Device device, const std::string& symbol, Answer&& answer) {
  std::unique_lock lock(mutex);
  const std::shared_ptr<Machine> held = machine;  // outlives a shutdown while this call blocks
  if (!held) return kUninitialized;
  const auto gpu = std::find_if(held->gpus.begin(), held->gpus.end(),
                                [&](const auto& one) { return one.get() == device; });
  if (gpu == held->gpus.end()) return kInvalidArgument;
  Gpu& self = **gpu;
  log_call(held->script, symbol, self.script.value("pci", ""));
  ++self.calls;
  if (self.script.contains("lost_after_calls") &&
      self.calls > self.script["lost_after_calls"].get<long long>()) {
    return kGpuIsLost;
  }
  block(self, symbol, lock);
  if (const Return code = scripted_error(self.script, symbol); code != kSuccess) return code;
  return answer(self);
}

// A counter that runs by itself. With the mutex held.
double running(const json& counter) {
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - machine->since;
  double seconds = age.count();
  double from = counter.value("from", 0.0);
  const double reset = counter.value("resets_at_s", 1e9);
  if (seconds >= reset) {
    seconds -= reset;
    from = 0;
  }
  const double value = from + seconds * counter.value("per_second", 0.0);
  return std::fmod(value, counter.value("wraps_at", 1.8e19));
}

// The next value of that name; false where there is none.
template <typename T>
bool next(Gpu& gpu, const json& holder, const std::string& key, const std::string& name, T& value) {
  const auto found = holder.find(name);
  if (found == holder.end()) return false;
  if (found->is_object()) {
    value = static_cast<T>(running(*found));
    return true;
  }
  if (!found->is_array()) {
    value = found->get<T>();
    return true;
  }
  if (found->empty()) return false;
  const std::size_t step = std::min(gpu.steps[key + name]++, found->size() - 1);
  value = (*found)[step].get<T>();
  return true;
}

template <typename T>
Return scalar(Device device, const char* symbol, const char* name, T* value) {
  return device_call(device, symbol, [&](Gpu& gpu) {
    return next(gpu, gpu.script, "", name, *value) ? kSuccess : kNotSupported;
  });
}

Return text(const Gpu& gpu, const char* name, char* into, unsigned length) {
  const std::string value = gpu.script.value(name, "");
  if (value.empty()) return kNotSupported;
  if (value.size() + 1 > length) return 7;  // INSUFFICIENT_SIZE
  std::memcpy(into, value.c_str(), value.size() + 1);
  return kSuccess;
}

template <typename Struct>
Return memory(Gpu& gpu, const char* name, Struct* out) {
  const auto found = gpu.script.find(name);
  if (found == gpu.script.end()) return kNotSupported;
  const bool all = next(gpu, *found, name, "total", out->total) &&
                   next(gpu, *found, name, "free", out->free) &&
                   next(gpu, *found, name, "used", out->used);
  return all ? kSuccess : kNotSupported;
}

Return initialise(const char* symbol) {
  {
    const std::lock_guard lock(mutex);
    // Handles that others hold stay good while the script is the same.
    auto fresh = read_script();
    if (!machine || fresh->script != machine->script) machine = std::move(fresh);
  }
  const Return code = global_call(symbol);
  if (code == kSuccess) {
    const std::lock_guard lock(mutex);
    ++users;
  }
  return code;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

FAKE_NVML_API nvmlInit_v2() { return initialise("nvmlInit_v2"); }

FAKE_NVML_API nvmlInitWithFlags(unsigned) { return initialise("nvmlInitWithFlags"); }

FAKE_NVML_API nvmlShutdown() {
  const Return code = global_call("nvmlShutdown");
  const std::lock_guard lock(mutex);
  if (--users <= 0) machine.reset();
  return code;
}

FAKE_NVML_API nvmlSystemGetDriverVersion(char* version, unsigned length) {
  const Return code = global_call("nvmlSystemGetDriverVersion");
  if (code != kSuccess) return code;
  const std::lock_guard lock(mutex);
  const std::string value = machine->script.value("driver_version", "");
  if (value.size() + 1 > length) return 7;
  std::memcpy(version, value.c_str(), value.size() + 1);
  return kSuccess;
}

FAKE_NVML_API nvmlDeviceGetCount_v2(unsigned* count) {
  const Return code = global_call("nvmlDeviceGetCount_v2");
  if (code != kSuccess) return code;
  const std::lock_guard lock(mutex);
  *count = static_cast<unsigned>(machine->gpus.size());
  return kSuccess;
}

FAKE_NVML_API nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  {
    const std::lock_guard lock(mutex);
    if (!machine) return kUninitialized;
    if (index >= machine->gpus.size()) return kInvalidArgument;
    *device = machine->gpus[index].get();
  }
  return device_call(*device, "nvmlDeviceGetHandleByIndex_v2", [](Gpu&) { return kSuccess; });
}

FAKE_NVML_API nvmlDeviceGetHandleByPciBusId_v2(const char* pci, Device* device) {
  *device = nullptr;
  {
    const std::lock_guard lock(mutex);
    if (!machine) return kUninitialized;
    for (const auto& gpu : machine->gpus) {
      // The real one takes any width of the domain; comparing the tail is enough here.
      if (lower(gpu->script.value("pci", "")).ends_with(lower(pci))) *device = gpu.get();
    }
  }
  if (*device == nullptr) return kNotFound;
  return device_call(*device, "nvmlDeviceGetHandleByPciBusId_v2", [](Gpu&) { return kSuccess; });
}

FAKE_NVML_API nvmlDeviceGetPciInfo_v3(Device device, PciInfo* pci) {
  return device_call(device, "nvmlDeviceGetPciInfo_v3", [&](Gpu& gpu) {
    *pci = {};
    return text(gpu, "pci", pci->bus_id, sizeof(pci->bus_id));
  });
}

FAKE_NVML_API nvmlDeviceGetName(Device device, char* name, unsigned length) {
  return device_call(device, "nvmlDeviceGetName",
                     [&](Gpu& gpu) { return text(gpu, "name", name, length); });
}

FAKE_NVML_API nvmlDeviceGetUUID(Device device, char* uuid, unsigned length) {
  return device_call(device, "nvmlDeviceGetUUID",
                     [&](Gpu& gpu) { return text(gpu, "uuid", uuid, length); });
}

FAKE_NVML_API nvmlDeviceGetMemoryInfo(Device device, Memory* out) {
  return device_call(device, "nvmlDeviceGetMemoryInfo",
                     [&](Gpu& gpu) { return memory(gpu, "memory_v1", out); });
}

#ifndef FAKE_NVML_NO_MEMORY_V2
FAKE_NVML_API nvmlDeviceGetMemoryInfo_v2(Device device, MemoryV2* out) {
  constexpr unsigned kExpected = 0x02000028;  // 40 bytes, version 2
  return device_call(device, "nvmlDeviceGetMemoryInfo_v2", [&](Gpu& gpu) -> Return {
    if (out->version != kExpected) return kArgumentVersionMismatch;
    const Return code = memory(gpu, "memory", out);
    if (code != kSuccess) return code;
    next(gpu, gpu.script["memory"], "memory", "reserved", out->reserved);
    return kSuccess;
  });
}
#endif

FAKE_NVML_API nvmlDeviceGetUtilizationRates(Device device, Utilisation* out) {
  return scalar(device, "nvmlDeviceGetUtilizationRates", "utilisation", &out->gpu);
}

FAKE_NVML_API nvmlDeviceGetTemperature(Device device, int sensor, unsigned* celsius) {
  if (sensor != 0) return kInvalidArgument;
  return scalar(device, "nvmlDeviceGetTemperature", "temperature", celsius);
}

FAKE_NVML_API nvmlDeviceGetTemperatureV(Device device, TemperatureV1* out) {
  constexpr unsigned kExpected = 0x0100000c;  // 12 bytes, version 1
  if (out->version != kExpected) return kArgumentVersionMismatch;
  if (out->sensor != 0) return kInvalidArgument;
  return scalar(device, "nvmlDeviceGetTemperatureV", "temperature", &out->temperature);
}

FAKE_NVML_API nvmlDeviceGetPowerUsage(Device device, unsigned* milliwatts) {
  return scalar(device, "nvmlDeviceGetPowerUsage", "power_mw", milliwatts);
}

FAKE_NVML_API nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned* milliwatts) {
  return scalar(device, "nvmlDeviceGetEnforcedPowerLimit", "power_limit_mw", milliwatts);
}

FAKE_NVML_API nvmlDeviceGetPowerManagementLimit(Device device, unsigned* milliwatts) {
  return scalar(device, "nvmlDeviceGetPowerManagementLimit", "power_limit_mw", milliwatts);
}

FAKE_NVML_API nvmlDeviceGetPowerManagementDefaultLimit(Device device, unsigned* milliwatts) {
  return scalar(device, "nvmlDeviceGetPowerManagementDefaultLimit", "power_limit_default_mw",
                milliwatts);
}

FAKE_NVML_API nvmlDeviceGetCurrPcieLinkGeneration(Device device, unsigned* generation) {
  return scalar(device, "nvmlDeviceGetCurrPcieLinkGeneration", "pcie", generation);
}

FAKE_NVML_API nvmlDeviceGetMaxPcieLinkGeneration(Device device, unsigned* generation) {
  return scalar(device, "nvmlDeviceGetMaxPcieLinkGeneration", "pcie_max", generation);
}

FAKE_NVML_API nvmlDeviceGetClockInfo(Device device, int clock, unsigned* megahertz) {
  const char* const name = clock == kClockGraphics ? "graphics_mhz" : "memory_mhz";
  return scalar(device, "nvmlDeviceGetClockInfo", name, megahertz);
}

FAKE_NVML_API nvmlDeviceGetCurrentClocksEventReasons(Device device, unsigned long long* mask) {
  return scalar(device, "nvmlDeviceGetCurrentClocksEventReasons", "throttle", mask);
}

FAKE_NVML_API nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long* mask) {
  return scalar(device, "nvmlDeviceGetCurrentClocksThrottleReasons", "throttle", mask);
}

FAKE_NVML_API nvmlDeviceGetMaxClockInfo(Device device, int clock, unsigned* megahertz) {
  if (clock != kClockGraphics) return kInvalidArgument;
  return scalar(device, "nvmlDeviceGetMaxClockInfo", "graphics_max_mhz", megahertz);
}

FAKE_NVML_API nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long* millijoules) {
  return scalar(device, "nvmlDeviceGetTotalEnergyConsumption", "energy_mj", millijoules);
}

FAKE_NVML_API nvmlDeviceGetViolationStatus(Device device, int policy, ViolationTime* time) {
  static const std::map<int, std::string> kNames = {{kPolicyPower, "power"},
                                                    {kPolicyHeat, "thermal"},
                                                    {kPolicyBoard, "board"},
                                                    {kPolicyReliability, "reliability"}};
  return device_call(device, "nvmlDeviceGetViolationStatus", [&](Gpu& gpu) -> Return {
    const auto name = kNames.find(policy);
    if (name == kNames.end()) return kInvalidArgument;
    const json held = gpu.script.value("violation_ns", json::object());
    return next(gpu, held, "violation_ns", name->second, time->held_ns) ? kSuccess : kNotSupported;
  });
}

FAKE_NVML_API nvmlDeviceGetProcessUtilization(Device device, ProcessUtilisation* into,
                                              unsigned* count, unsigned long long last_seen_us) {
  return device_call(device, "nvmlDeviceGetProcessUtilization", [&](Gpu& gpu) -> Return {
    const auto found = gpu.script.find("processes");
    if (found == gpu.script.end()) return kNotSupported;
    if (found->empty()) return kNotFound;
    const json& now = (*found)[std::min(gpu.steps["processes"]++, found->size() - 1)];
    unsigned given = 0;
    for (const json& one : now) {
      const auto time = one.value("time_us", last_seen_us + 1);
      if (time <= last_seen_us) continue;
      if (given == *count) return kInsufficientSize;
      into[given++] = {one.value("pid", 0U), time, one.value("sm", 0U), 0, 0, 0};
    }
    *count = given;
    return given > 0 ? kSuccess : kNotFound;
  });
}

FAKE_NVML_API nvmlDeviceGetFieldValues(Device device, int count, FieldValue* values) {
  static const std::map<unsigned, std::string> kHeld = {{kFieldHeldByPower, "power"},
                                                        {kFieldHeldByHeat, "thermal"},
                                                        {kFieldHeldByBoard, "board"},
                                                        {kFieldHeldByReliability, "reliability"}};
  return device_call(device, "nvmlDeviceGetFieldValues", [&](Gpu& gpu) -> Return {
    const json held = gpu.script.value("held_ns", json::object());
    for (int i = 0; i < count; ++i) {
      FieldValue& field = values[i];
      field.result = kNotSupported;
      if (const auto name = kHeld.find(field.field_id); name != kHeld.end()) {
        field.value_type = kValueUnsignedLongLong;
        unsigned long long& value = field.value.as_unsigned_long_long;
        if (next(gpu, held, "held_ns", name->second, value)) field.result = kSuccess;
      } else if (field.field_id == kFieldPowerAverage || field.field_id == kFieldPowerInstant) {
        field.value_type = kValueUnsigned;
        const char* const key =
            field.field_id == kFieldPowerAverage ? "power_field_mw" : "power_instant_mw";
        if (next(gpu, gpu.script, "", key, field.value.as_unsigned)) field.result = kSuccess;
      }
    }
    return kSuccess;
  });
}

// What a container or Windows answers per process. Nothing of ours may ask (R18): the call is
// logged.
FAKE_NVML_API nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned* count, void*) {
  return device_call(device, "nvmlDeviceGetComputeRunningProcesses_v3", [&](Gpu&) {
    *count = 1;
    return kSuccess;
  });
}
