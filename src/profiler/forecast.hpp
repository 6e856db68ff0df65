// What llama.cpp says that the configs of a sweep will allocate, and whether that can fit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::profiler {

struct Forecast {
  Reading<MemoryMap> memory;  ///< absent with llama.cpp's reason where it refuses the config
  /// Beyond what is free now, or beyond the limit: 0 = may fit. llama.cpp's buffers alone, without
  /// the driver's share, so that only what cannot fit is missing. Absent where nobody can tell.
  Reading<std::uint64_t> missing_bytes;
  /// What would be in use of the fullest device, by others and by llama.cpp's buffers.
  Reading<double> vram_percent = Absence{"not asked"};
  /// What stays free on the device with least, negative never; absent as vram_percent is.
  Reading<std::uint64_t> left_bytes = Absence{"not asked"};
  std::string sentence;  ///< what is missing where, empty where nothing is

  /// Why the config need not be tried; empty where it may be.
  [[nodiscard]] std::string why_not() const {
    if (!memory) return memory.reason();
    return missing_bytes.value_or(0) > 0 ? sentence : std::string();
  }
  /// What it takes of devices.
  [[nodiscard]] Reading<std::uint64_t> vram_bytes() const {
    if (!memory) return Absence{memory.reason()};
    return offloaded_bytes(*memory);
  }
};

struct Forecasts {
  std::vector<Forecast> of_config;  ///< in order; empty where llama.cpp could not be asked
  std::string notice;               ///< why it could not; empty where it could
};

/// What the configs are held against.
struct ForecastGround {
  std::vector<DeviceReport> targets;            ///< that layers go to
  Reading<std::uint64_t> limit_bytes;           ///< pretends that no device is larger
  Reading<std::uint64_t> host_available_bytes;  ///< now
};

Forecasts forecast(const plan::MapSource& maps, const std::vector<Config>& configs,
                   const ForecastGround& ground);

/// Of a list that may be empty because llama.cpp could not be asked.
inline const Forecast* forecast_at(const Forecasts& forecasts, std::size_t index) {
  return forecasts.of_config.empty() ? nullptr : &forecasts.of_config[index];
}

}  // namespace sweetspot::profiler
