#include "plan/fit.hpp"

#include <algorithm>

#include "ground/bytes.hpp"

namespace sweetspot::plan {
namespace {

bool has_budget(const Budgets& budgets, const std::string& id) {
  return std::any_of(budgets.devices.begin(), budgets.devices.end(),
                     [&](const DeviceBudget& budget) { return budget.id == id; });
}

DeviceFit fit_on(const MemoryMap& memory, const DeviceBudget& budget) {
  DeviceFit fit{budget.id, 0, budget.budget_bytes, 0};
  const DeviceMemory* const device = find_device(memory, budget.id);
  if (device != nullptr && device->total_bytes() > 0) {
    fit.needed_bytes = plus(device->total_bytes(), budget.share.high_bytes);
  }
  fit.missing_bytes = minus(fit.needed_bytes, fit.budget_bytes);
  return fit;
}

std::uint64_t missing_without_budget(const MemoryMap& memory, const Budgets& budgets) {
  std::uint64_t missing = 0;
  for (const DeviceMemory& device : memory) {
    if (device.id != kHostDeviceId && !has_budget(budgets, device.id)) {
      missing = plus(missing, device.total_bytes());
    }
  }
  return missing;
}

std::uint64_t missing_on_host(const MemoryMap& memory, const HostBudget& host) {
  const DeviceMemory* const entry = find_device(memory, kHostDeviceId);
  if (entry == nullptr || !host.available_bytes) return 0;
  return minus(minus(entry->total_bytes(), entry->mapped_bytes), *host.available_bytes);
}

std::uint64_t reread(const MemoryMap& memory, const HostBudget& host) {
  const DeviceMemory* const entry = find_device(memory, kHostDeviceId);
  if (entry == nullptr || !host.available_bytes) return 0;
  return std::min(entry->mapped_bytes, minus(entry->total_bytes(), *host.available_bytes));
}

}  // namespace

Fit fit_of(const PlannedMemory& planned, const Budgets& budgets) {
  Fit fit;
  fit.missing_bytes = missing_without_budget(planned.memory, budgets);
  for (const DeviceBudget& budget : budgets.devices) {
    fit.devices.push_back(fit_on(planned.memory, budget));
    fit.missing_bytes = plus(fit.missing_bytes, fit.devices.back().missing_bytes);
  }
  fit.host_missing_bytes = missing_on_host(planned.memory, budgets.host);
  fit.reread_bytes = reread(planned.memory, budgets.host);
  // A map without entries proves nothing, since weights always lie somewhere.
  fit.fits = planned.problem.empty() && !planned.memory.empty() && fit.missing_bytes == 0 &&
             fit.host_missing_bytes == 0;
  return fit;
}

}  // namespace sweetspot::plan
