#include "profiler/setup.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>

namespace sweetspot::profiler {
namespace {

std::string names_of(const std::vector<Device>& devices) {
  std::vector<std::string> names;
  for (const Device& device : devices) {
    if (device.can_offload()) names.push_back(device.id);
  }
  return names.empty() ? "none that layers can be offloaded to"
                       : fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Status check_devices(const std::vector<std::string>& wanted, const std::vector<Device>& devices) {
  for (const std::string& id : wanted) {
    const bool known = std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
      return device.id == id && device.can_offload();
    });
    if (!known) {
      return error(ErrorKind::device, fmt::format("there is no device '{}' to offload to", id),
                   "devices here: " + names_of(devices));
    }
  }
  return {};
}

std::vector<DeviceReport> targets_of(const std::vector<DeviceReport>& devices,
                                     const std::vector<std::string>& wanted) {
  std::vector<DeviceReport> targets;
  for (const DeviceReport& report : devices) {
    const bool named = std::find(wanted.begin(), wanted.end(), report.device.id) != wanted.end();
    if (wanted.empty() ? report.device.can_offload() : named) targets.push_back(report);
  }
  return targets;
}

void shorten_default_context(ContextSettings& context, const ModelInfo& model) {
  if (model.n_ctx_train <= 0) return;
  context.n_ctx = std::min(context.n_ctx, static_cast<std::uint32_t>(model.n_ctx_train));
}

Status check_trained_context(std::uint32_t n_ctx, const ModelInfo& model, bool allowed,
                             std::string_view flag) {
  const auto trained = static_cast<std::uint32_t>(std::max(model.n_ctx_train, 0));
  if (trained == 0 || n_ctx <= trained || allowed) return {};
  return error(ErrorKind::usage,
               fmt::format("{} {} is more than the {} tokens the model was trained for", flag,
                           n_ctx, trained),
               fmt::format("give at most {}, or add --allow-untrained-ctx", trained));
}

Error context_too_short(std::uint64_t needed_tokens, std::uint32_t n_ctx) {
  return {ErrorKind::usage,
          fmt::format("the workload needs {} tokens of context, --ctx-size gives {}", needed_tokens,
                      n_ctx),
          "raise --ctx-size, or lower --n-prompt, --n-gen or --n-depth"};
}

}  // namespace sweetspot::profiler
