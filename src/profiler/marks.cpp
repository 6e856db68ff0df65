#include "profiler/marks.hpp"

#include <fmt/format.h>

#include <utility>

namespace sweetspot::profiler {
namespace {

void set_energy(Speed& speed, Energy energy) {
  speed.joules_per_token = std::move(energy.joules_per_token);
  speed.energy_source = std::move(energy.source);
}

}  // namespace

void mark(Trial& trial, const Watched& watched) {
  for (const std::string& repeat : watched.repeats) trial.notes.push_back(repeat);
  for (const Finding& finding : watched.findings) {
    if (finding.what == Disturbance::contended) {
      trial.mark_contended(finding.of);
    } else {
      trial.mark(finding.what);
    }
    trial.notes.push_back(fmt::format("{}: {}", to_string(finding.what), finding.why));
  }
  const auto percent = [](const Reading<double>& share) {
    return share ? Reading<double>(100 * *share) : Reading<double>(Absence{share.reason()});
  };
  trial.processor_wait_percent = percent(watched.processor.waited_share);
  trial.processor_pressure_percent = percent(watched.processor.stalled_share);
}

void mark_spill(Trial& trial, const std::vector<DeviceUse>& uses) {
  const auto spill = spill_of(uses, trial.memory);
  if (!spill || trial.is(Disturbance::spilled)) return;
  trial.mark(Disturbance::spilled);
  trial.notes.push_back("spilled: " + *spill);
}

std::vector<const devices::DeviceWindow*> devices_in(const devices::Window& window,
                                                     const std::vector<std::string>& pci_bus_ids) {
  std::vector<const devices::DeviceWindow*> found;
  for (const std::string& id : pci_bus_ids) {
    const auto seen = window.find(id);
    if (seen != window.end()) found.push_back(&seen->second);
  }
  return found;
}

void take_energy(Trial& trial, const std::vector<const devices::DeviceWindow*>& devices,
                 const SpeedSpans& spans) {
  // Where no layer is on a device, what it draws is not what a token costs.
  const bool offloaded = trial.layers > 0;
  const std::vector<const devices::DeviceWindow*> none;
  const auto& at_work = offloaded ? devices : none;
  if (trial.generation && spans.generation) {
    set_energy(*trial.generation, energy_of(at_work, *spans.generation, trial.generation->raw));
  }
  if (trial.prompt && spans.prompt) {
    set_energy(*trial.prompt, energy_of(at_work, *spans.prompt, trial.prompt->raw));
  }
}

}  // namespace sweetspot::profiler
