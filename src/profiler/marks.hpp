// What a watched measurement leaves on its trial: disturbances, their notes, energy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/trial.hpp"
#include "profiler/energy.hpp"
#include "profiler/span.hpp"
#include "profiler/vram.hpp"
#include "profiler/watch.hpp"

namespace sweetspot::profiler {

/// When each kind of work of a trial ran; empty where it was not measured this time.
struct SpeedSpans {
  std::optional<Span> generation = std::nullopt;
  std::optional<Span> prompt = std::nullopt;
};

/// Marks what no repetition got rid of, and notes every repetition.
void mark(Trial& trial, const Watched& watched);

/// Marks a trial whose memory went to system memory, where the driver shows that (R20).
void mark_spill(Trial& trial, const std::vector<DeviceUse>& uses);

/// Those of the window, in the order of the addresses; unknown ones are left out.
std::vector<const devices::DeviceWindow*> devices_in(const devices::Window& window,
                                                     const std::vector<std::string>& pci_bus_ids);

/// Energy per token of each speed that was measured this time.
void take_energy(Trial& trial, const std::vector<const devices::DeviceWindow*>& devices,
                 const SpeedSpans& spans);

}  // namespace sweetspot::profiler
