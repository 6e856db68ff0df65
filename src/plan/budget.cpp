#include "plan/budget.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "core/software_renderer.hpp"
#include "core/text.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::plan {
namespace {

/// What a context with its kernels usually takes, by ggml's registry name. CUDA and its kin load
/// every kernel of the library; behind RPC may be any of them.
struct UsualShare {
  std::string_view backend;
  std::uint64_t low_bytes;
  std::uint64_t high_bytes;
};
constexpr std::array<UsualShare, 6> kUsualShares = {{
    {"CUDA", 150 * kMiB, 500 * kMiB},
    {"ROCm", 150 * kMiB, 500 * kMiB},
    {"HIP", 150 * kMiB, 500 * kMiB},
    {"MUSA", 150 * kMiB, 500 * kMiB},
    {"SYCL", 150 * kMiB, 500 * kMiB},
    {"RPC", 150 * kMiB, 500 * kMiB},
}};
constexpr UsualShare kOtherShare = {"", 50 * kMiB, 300 * kMiB};  // Vulkan, Metal, OpenCL, ...
/// A driver that computes on the CPU: no firmware, no kernels on a card.
constexpr UsualShare kSoftwareShare = {"", 0, 64 * kMiB};

UsualShare usual_share(const Device& device) {
  if (is_software_renderer(device.description)) return kSoftwareShare;
  for (const UsualShare& share : kUsualShares) {
    if (device.backend == share.backend) return share;
  }
  return kOtherShare;
}

/// Both from one source, so that they can be compared.
struct Memory {
  Reading<std::uint64_t> total_bytes;
  Reading<std::uint64_t> free_bytes;
};

Memory checked(std::string_view source, Reading<std::uint64_t> total, Reading<std::uint64_t> free) {
  if (total && *total == 0) total = Absence{fmt::format("{} reports a total of 0 bytes", source)};
  if (!total) return {total, Absence{total.reason()}};
  if (free && *free > *total) {
    free = Absence{fmt::format("{} reports more free than there is", source)};
  }
  return {total, free};
}

/// The driver where it knows both figures, else ggml: devices/inventory.hpp decides the same way.
Memory memory_of(const DeviceReport& report) {
  if (report.status && report.status->memory_total_bytes.value_or(0) > 0 &&
      report.status->memory_free_bytes) {
    return checked("the driver", report.status->memory_total_bytes,
                   report.status->memory_free_bytes);
  }
  return checked("ggml", report.device.memory_total_bytes, report.device.memory_free_bytes);
}

std::string why_unknown(const Memory& memory) {
  return memory.total_bytes ? memory.free_bytes.reason() : memory.total_bytes.reason();
}

/// As a share of `total`; what is no share counts as none.
std::uint64_t part_of(std::uint64_t total, double percent) {
  if (!std::isfinite(percent)) return 0;
  if (percent >= 100) return total;
  const double share = std::max(percent, 0.0) / 100;
  return static_cast<std::uint64_t>(static_cast<double>(total) * share);
}

DeviceBudget budget_of(std::string id, std::uint64_t total, std::uint64_t others,
                       std::uint64_t free, const BudgetRules& rules, const DriverShare& share) {
  DeviceBudget budget{std::move(id), total, free, 0, {}, share};
  const std::uint64_t allowed = minus(part_of(total, rules.percent), others);
  budget.limited_by = fmt::format("{:g} % of {}", rules.percent, format_bytes(total));
  if (others > 0) budget.limited_by += fmt::format(" less {} in use", format_bytes(others));
  if (free < allowed) budget.limited_by = fmt::format("{} free now", format_bytes(free));
  if (rules.reserve_bytes > 0) {
    budget.limited_by += fmt::format(", {} left free", format_bytes(rules.reserve_bytes));
  }
  budget.budget_bytes = minus(std::min(allowed, free), rules.reserve_bytes);
  return budget;
}

/// With a limit the device plays a card of that size: what others use comes off it.
Result<DeviceBudget> make_budget(const DeviceReport& target, const BudgetRules& rules,
                                 const Reading<std::uint64_t>& limit, const DriverShare& share) {
  const Memory memory = memory_of(target);
  const bool known = memory.total_bytes && memory.free_bytes;
  if (!known && !limit) {
    return error(ErrorKind::device,
                 fmt::format("the memory of {} cannot be read: {}", shortened(target.device.id),
                             why_unknown(memory)),
                 "say how much of it may be used, as in --vram-limit 6GiB");
  }
  std::uint64_t total = memory.total_bytes ? *memory.total_bytes : *limit;
  if (limit) total = std::min(total, *limit);
  const std::uint64_t in_use = known ? minus(*memory.total_bytes, *memory.free_bytes) : 0;
  const std::uint64_t others = std::min(in_use, total);
  const std::uint64_t free = known ? std::min(*memory.free_bytes, total - others) : total;
  return budget_of(target.device.id, total, others, free, rules, share);
}

}  // namespace

DriverShare default_driver_share(const Device& device) {
  const UsualShare share = usual_share(device);
  return {share.low_bytes, share.high_bytes, false, "default, not measured here"};
}

Result<std::vector<DeviceBudget>> make_budgets(const std::vector<DeviceReport>& targets,
                                               const BudgetRules& rules,
                                               const std::vector<DriverShare>& shares) {
  if (shares.size() != targets.size()) {
    return error(ErrorKind::internal,
                 fmt::format("{} driver shares for {} devices", shares.size(), targets.size()));
  }
  if (rules.limits_bytes.size() > 1 && rules.limits_bytes.size() != targets.size()) {
    return error(ErrorKind::internal, fmt::format("{} limits for {} devices",
                                                  rules.limits_bytes.size(), targets.size()));
  }
  std::vector<DeviceBudget> budgets;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    auto budget = make_budget(targets[i], rules, rules.limit_of(i), shares[i]);
    if (!budget) return tl::unexpected(budget.error());
    budgets.push_back(std::move(*budget));
  }
  return budgets;
}

DeviceBudget card_budget(const std::string& id, std::uint64_t total_bytes, double percent,
                         std::uint64_t reserve_bytes, const DriverShare& share) {
  BudgetRules rules;
  rules.percent = percent;
  rules.reserve_bytes = reserve_bytes;
  return budget_of(id, total_bytes, 0, total_bytes, rules, share);
}

}  // namespace sweetspot::plan
