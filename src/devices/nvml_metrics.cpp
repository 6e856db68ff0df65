#include "devices/nvml_metrics.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "core/ranges.hpp"

namespace sweetspot::devices::nvml {
namespace {

constexpr double kMinCelsius = -60;

Reading<double> in_range(double value, double low, double high, std::string_view unit) {
  if (value >= low && value <= high) return value;
  return Absence{fmt::format("the driver reports an impossible {:.0f} {}", value, unit)};
}

Reading<double> in_range(const Reading<double>& value, double low, double high,
                         std::string_view unit) {
  return value ? in_range(*value, low, high, unit) : value;
}

// One number that a function of NVML writes behind its other arguments.
template <typename Function, typename... More>
Reading<double> ask_number(Asker& asker, Function* function, const char* symbol, More... more) {
  unsigned value = 0;
  const Return code = asker.call(function, more..., &value);
  if (code != kSuccess) return why(function, symbol, code);
  return static_cast<double>(value);
}

struct MemoryAnswer {
  Return code = kFunctionNotFound;
  std::uint64_t total = 0;
  std::uint64_t free = 0;
  std::uint64_t used = 0;
  std::optional<std::uint64_t> reserved;
};

MemoryAnswer ask_memory_v2(Asker& asker, const Symbols& symbols) {
  MemoryV2 memory{};
  memory.version = kMemoryV2;
  const Return code = asker.call(symbols.memory_v2, &memory);
  return {code, memory.total, memory.free, memory.used, memory.reserved};
}

MemoryAnswer ask_memory_v1(Asker& asker, const Symbols& symbols) {
  Memory memory{};
  const Return code = asker.call(symbols.memory, &memory);
  return {code, memory.total, memory.free, memory.used, std::nullopt};
}

// Seen in the wild where v2 is there in name only: old drivers, WSL.
bool v1_may_know(Return code) {
  return code == kFunctionNotFound || code == kArgumentVersionMismatch || code == kUnknown ||
         code == kNotSupported || code == kInvalidArgument;
}

Reading<std::uint64_t> part_of(std::uint64_t value, std::uint64_t total, std::string_view what) {
  if (value == std::numeric_limits<std::uint64_t>::max()) {
    return Absence{fmt::format("the driver answers \"not available\" for {} memory", what)};
  }
  if (value > total) {
    return Absence{fmt::format("the driver reports more {} memory than the device has", what)};
  }
  return value;
}

void set_memory_absent(DeviceStatus& status, const std::string& reason) {
  const Absence absence{reason};
  status.memory_total_bytes = absence;
  status.memory_used_bytes = absence;
  status.memory_free_bytes = absence;
  status.memory_reserved_bytes = absence;
}

void set_memory(DeviceStatus& status, const MemoryAnswer& answer) {
  if (answer.total == 0) {
    set_memory_absent(
        status,
        fmt::format("{}, or a fault of the driver: it reports a total of 0 bytes", kUnifiedPrefix));
    return;
  }
  if (answer.total == std::numeric_limits<std::uint64_t>::max()) {
    set_memory_absent(status, "the driver answers \"not available\" for memory");
    return;
  }
  status.memory_total_bytes = answer.total;
  status.memory_used_bytes = part_of(answer.used, answer.total, "used");
  status.memory_free_bytes = part_of(answer.free, answer.total, "free");
  status.memory_reserved_bytes = answer.reserved
                                     ? part_of(*answer.reserved, answer.total, "reserved")
                                     : Reading<std::uint64_t>(Absence{"NVML v1 counts it as used"});
}

Reading<double> watts(double milliwatts) {
  return in_range(milliwatts / 1000.0, 0, kMostPlausibleWatts, "W");
}

Reading<double> watts(const Reading<double>& milliwatts) {
  return milliwatts ? watts(*milliwatts) : milliwatts;
}

Reading<double> generation(const Reading<double>& number) {
  constexpr double kNewest = 16;
  return in_range(number, 1, kNewest, "as generation of PCIe");
}

std::vector<std::string> throttle_names(unsigned long long mask) {
  constexpr std::array<std::pair<unsigned long long, std::string_view>, 7> kNames{{
      {kReasonSoftwarePowerCap, "power cap"},
      {kReasonHardwareSlowdown, "hardware slowdown"},
      {kReasonSyncBoost, "sync boost"},
      {kReasonSoftwareThermal, "software thermal slowdown"},
      {kReasonHardwareThermal, "hardware thermal slowdown"},
      {kReasonPowerBrake, "power brake"},
      {kReasonDisplayClock, "display clock"},
  }};
  // An idle GPU and clocks the user chose are not throttling.
  mask &= ~(kReasonIdle | kReasonApplicationClocks);
  std::vector<std::string> names;
  for (const auto& [bit, name] : kNames) {
    if ((mask & bit) != 0) names.emplace_back(name);
    mask &= ~bit;
  }
  if (mask != 0) names.push_back(fmt::format("unknown reason {:#x}", mask));
  return names;
}

}  // namespace

void read_memory(DeviceStatus& status, Asker& asker, const Symbols& symbols) {
  MemoryAnswer answer = ask_memory_v2(asker, symbols);
  status.memory_source = "nvml v2";
  if (v1_may_know(answer.code)) {
    answer = ask_memory_v1(asker, symbols);
    status.memory_source = "nvml v1";
  }
  if (answer.code == kSuccess) {
    set_memory(status, answer);
  } else if (answer.code == kNotSupported) {
    set_memory_absent(status, fmt::format("{}: the driver reports none", kUnifiedPrefix));
  } else {
    set_memory_absent(status, why(symbols.memory, "nvmlDeviceGetMemoryInfo", answer.code).reason);
  }
  if (!status.memory_total_bytes) status.memory_source.clear();
}

Reading<double> read_utilisation(Asker& asker, const Symbols& symbols) {
  Utilisation utilisation{};
  const Return code = asker.call(symbols.utilisation, &utilisation);
  if (code != kSuccess) {
    return why(symbols.utilisation, "nvmlDeviceGetUtilizationRates", code);
  }
  return in_range(utilisation.gpu, 0, 100, "%");
}

Reading<double> read_temperature(Asker& asker, const Symbols& symbols) {
  TemperatureV1 newer{kTemperatureV1, kTemperatureGpu, 0};
  if (asker.call(symbols.temperature_v, &newer) == kSuccess) {
    return in_range(newer.temperature, kMinCelsius, kMostPlausibleCelsius, "degrees C");
  }
  return in_range(
      ask_number(asker, symbols.temperature, "nvmlDeviceGetTemperature", kTemperatureGpu),
      kMinCelsius, kMostPlausibleCelsius, "degrees C");
}

void read_power(DeviceStatus& status, Asker& asker, const Symbols& symbols, const Fields& fields) {
  if (fields.power_mw) {
    status.power_w = watts(*fields.power_mw);
    status.power_source = fields.power_source;
    return;
  }
  unsigned milliwatts = 0;
  const Return code = asker.call(symbols.power_usage, &milliwatts);
  if (code != kSuccess) {
    status.power_w = why(symbols.power_usage, "nvmlDeviceGetPowerUsage", code);
    return;
  }
  status.power_w = watts(milliwatts);
  status.power_source = "power-usage";
}

Reading<double> read_power_limit(Asker& asker, const Symbols& symbols) {
  unsigned milliwatts = 0;
  if (asker.call(symbols.enforced_power_limit, &milliwatts) == kSuccess) {
    return watts(milliwatts);
  }
  return watts(ask_number(asker, symbols.power_limit, "nvmlDeviceGetPowerManagementLimit"));
}

Reading<double> read_default_power_limit(Asker& asker, const Symbols& symbols) {
  return watts(
      ask_number(asker, symbols.power_limit_default, "nvmlDeviceGetPowerManagementDefaultLimit"));
}

Reading<double> read_link_generation(Asker& asker, const Symbols& symbols) {
  return generation(
      ask_number(asker, symbols.link_generation, "nvmlDeviceGetCurrPcieLinkGeneration"));
}

Reading<double> read_link_generation_max(Asker& asker, const Symbols& symbols) {
  return generation(
      ask_number(asker, symbols.link_generation_max, "nvmlDeviceGetMaxPcieLinkGeneration"));
}

Reading<double> read_clock(Asker& asker, const Symbols& symbols, int clock) {
  return in_range(ask_number(asker, symbols.clock, "nvmlDeviceGetClockInfo", clock), 0,
                  kMostPlausibleMegahertz, "MHz");
}

Reading<double> read_clock_limit(Asker& asker, const Symbols& symbols) {
  return in_range(ask_number(asker, symbols.max_clock, "nvmlDeviceGetMaxClockInfo", kClockGraphics),
                  1, kMostPlausibleMegahertz, "MHz");
}

Reading<std::vector<std::string>> read_throttle(Asker& asker, const Symbols& symbols) {
  unsigned long long mask = 0;
  if (asker.call(symbols.event_reasons, &mask) == kSuccess) return throttle_names(mask);
  const Return code = asker.call(symbols.throttle_reasons, &mask);
  if (code != kSuccess) {
    return why(symbols.throttle_reasons, "nvmlDeviceGetCurrentClocksThrottleReasons", code);
  }
  return throttle_names(mask);
}

}  // namespace sweetspot::devices::nvml
