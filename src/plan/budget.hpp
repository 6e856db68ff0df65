// What of a device's memory may be used.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"
#include "core/reading.hpp"

namespace sweetspot::plan {

/// What the device itself takes beyond llama.cpp's buffers: its context, kernels and pools. Bytes
/// on one device for one process.
struct DriverShare {
  std::uint64_t low_bytes = 0;
  std::uint64_t high_bytes = 0;  ///< what is counted when asking what fits
  bool measured = false;         ///< false: the stated default
  std::string source;            ///< "measured 2026-11-23T17:48:02Z", "default, not measured here"
};

void fields(auto& f, Is<DriverShare> auto& share) {
  f("low_bytes", share.low_bytes);
  f("high_bytes", share.high_bytes);
  f("measured", share.measured);
  f("source", share.source);
}

/// Used where nothing was measured: what a CUDA or Vulkan context with its kernels usually takes.
DriverShare default_driver_share(const Device& device);

struct BudgetRules {
  /// Pretend that no device is larger: one limit for all, or one for each device in order. Empty =
  /// not set.
  std::vector<std::uint64_t> limits_bytes;
  double percent = 85;              ///< of a device's memory that all its users together may take
  std::uint64_t reserve_bytes = 0;  ///< left free on each device on top of that

  /// Of the device at `index`.
  [[nodiscard]] Reading<std::uint64_t> limit_of(std::size_t index) const {
    if (limits_bytes.empty()) return Absence{"not set"};
    return limits_bytes[limits_bytes.size() == 1 ? 0 : index];
  }
};

struct DeviceBudget {
  std::string id;
  Reading<std::uint64_t> total_bytes;  ///< after the limit
  Reading<std::uint64_t> free_bytes;   ///< now; never more than total_bytes
  std::uint64_t budget_bytes = 0;      ///< what llama.cpp and the driver's share may take together
  std::string limited_by;              ///< "85 % of 8.00 GiB", "5.20 GiB free now"
  DriverShare share;
};

void fields(auto& f, Is<DeviceBudget> auto& budget) {
  f("id", budget.id);
  f("budget_bytes", budget.budget_bytes);
  f("limited_by", budget.limited_by);
  f("driver_share", budget.share);
  f("total_bytes", budget.total_bytes);
  f("free_bytes", budget.free_bytes);
}

/// Host memory. Mapped weights are not missing where it is short: the kernel may drop them.
struct HostBudget {
  Reading<std::uint64_t> available_bytes;
  std::uint64_t reserve_bytes = 0;  ///< of it, that llama-server's own caches leave to others
  std::string source = {};          ///< "available now", "of a machine with 32.00 GiB"
};

struct Budgets {
  std::vector<DeviceBudget> devices;
  HostBudget host;
};

void fields(auto& f, Is<Budgets> auto& budgets) {
  f("devices", budgets.devices);
  f("host_reserve_bytes", budgets.host.reserve_bytes);
  f("host_source", budgets.host.source);
  f("host_available_bytes", budgets.host.available_bytes);
}

/// Budget = min(percent of total - what others use, free now) - reserve, never below 0. A device
/// whose memory nobody can read (0/0, free above total) needs a limit: without one that is an error
/// of kind device naming it. `shares` is one for each target, and so are limits where there are
/// several.
Result<std::vector<DeviceBudget>> make_budgets(const std::vector<DeviceReport>& targets,
                                               const BudgetRules& rules,
                                               const std::vector<DriverShare>& shares);

/// The budget of a card of `total_bytes` with nothing else on it.
DeviceBudget card_budget(const std::string& id, std::uint64_t total_bytes, double percent,
                         std::uint64_t reserve_bytes, const DriverShare& share);

}  // namespace sweetspot::plan
