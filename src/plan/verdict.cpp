#include "plan/verdict.hpp"

#include <algorithm>

#include "ground/bytes.hpp"

namespace sweetspot::plan {
namespace {

bool has_budget(const Budgets& budgets, const std::string& id) {
  return std::any_of(budgets.devices.begin(), budgets.devices.end(),
                     [&](const DeviceBudget& budget) { return budget.id == id; });
}

DeviceVerdict judge_device(const MemoryMap& memory, const DeviceBudget& budget) {
  DeviceVerdict verdict{budget.id, 0, budget.budget_bytes, 0};
  const DeviceMemory* const device = find_device(memory, budget.id);
  if (device != nullptr && device->total_bytes() > 0) {
    verdict.needed_bytes = plus(device->total_bytes(), budget.share.high_bytes);
  }
  verdict.missing_bytes = minus(verdict.needed_bytes, verdict.budget_bytes);
  return verdict;
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

Verdict judge(const PlannedMemory& planned, const Budgets& budgets) {
  Verdict verdict;
  verdict.missing_bytes = missing_without_budget(planned.memory, budgets);
  for (const DeviceBudget& budget : budgets.devices) {
    verdict.devices.push_back(judge_device(planned.memory, budget));
    verdict.missing_bytes = plus(verdict.missing_bytes, verdict.devices.back().missing_bytes);
  }
  verdict.host_missing_bytes = missing_on_host(planned.memory, budgets.host);
  verdict.reread_bytes = reread(planned.memory, budgets.host);
  // A map with nothing in it is no evidence of anything: weights always lie somewhere.
  verdict.fits = planned.problem.empty() && !planned.memory.empty() && verdict.missing_bytes == 0 &&
                 verdict.host_missing_bytes == 0;
  return verdict;
}

}  // namespace sweetspot::plan
