#include "profiler/forecast.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "ground/bytes.hpp"
#include "plan/budget.hpp"
#include "plan/fit.hpp"
#include "profiler/vram.hpp"

namespace sweetspot::profiler {
namespace {

// All memory there is: this budget says what is possible, while a plan's says what is advisable.
plan::BudgetRules everything(const Reading<std::uint64_t>& limit_bytes) {
  plan::BudgetRules rules;
  if (limit_bytes) rules.limits_bytes = {*limit_bytes};
  rules.percent = 100;
  return rules;
}

std::optional<plan::Budgets> budgets_of(const ForecastGround& ground) {
  // A guessed driver's share is left out, since it could not prove that a config does not fit.
  const std::vector<plan::DriverShare> shares(ground.targets.size());
  auto devices = plan::make_budgets(ground.targets, everything(ground.limit_bytes), shares);
  if (!devices) return std::nullopt;
  return plan::Budgets{*std::move(devices), {ground.host_available_bytes}};
}

std::string sentence_of(const plan::Fit& fit) {
  std::string text;
  for (const plan::DeviceFit& device : fit.devices) {
    if (device.missing_bytes == 0) continue;
    text += fmt::format("{}needs {} on {}, {} more than there is", text.empty() ? "" : "; ",
                        format_bytes(device.needed_bytes), device.id,
                        format_bytes(device.missing_bytes));
  }
  if (fit.host_missing_bytes > 0) {
    text += fmt::format("{}lacks {} of host memory", text.empty() ? "" : "; ",
                        format_bytes(fit.host_missing_bytes));
  }
  return text;
}

std::vector<DeviceUse> uses_of(const std::vector<DeviceReport>& targets) {
  std::vector<DeviceUse> uses;
  uses.reserve(targets.size());
  for (const DeviceReport& target : targets) {
    const devices::MemoryView view = devices::memory_of(target);
    uses.push_back({target.device.id, false, view.total_bytes, view.used_bytes,
                    Absence{"nothing was loaded"}});
  }
  return uses;
}

Reading<std::uint64_t> left_on(const std::vector<DeviceUse>& uses, const MemoryMap& memory,
                               const Reading<std::uint64_t>& limit_bytes) {
  Reading<std::uint64_t> least = Absence{"there is no device to offload to"};
  for (const DeviceUse& use : uses) {
    if (!use.total_bytes) return Absence{use.total_bytes.reason()};
    const std::uint64_t total = std::min(*use.total_bytes, limit_bytes.value_or(*use.total_bytes));
    const DeviceMemory* planned = find_device(memory, use.id);
    const std::uint64_t taken =
        use.used_before_bytes.value_or(0) + (planned != nullptr ? planned->total_bytes() : 0);
    const std::uint64_t left = minus(total, taken);
    least = std::min(left, least.value_or(left));
  }
  return least;
}

Forecast forecast_of(const PlannedMemory& planned, const std::optional<plan::Budgets>& budgets) {
  Forecast forecast;
  if (!planned.problem.empty()) {
    forecast.memory = Absence{planned.problem};
    forecast.missing_bytes = Absence{"llama.cpp refuses the configuration"};
    return forecast;
  }
  forecast.memory = planned.memory;
  if (!budgets) {
    forecast.missing_bytes = Absence{"the memory of a device cannot be read"};
    return forecast;
  }
  const plan::Fit fit = plan::fit_of(planned, *budgets);
  forecast.missing_bytes = plus(fit.missing_bytes, fit.host_missing_bytes);
  forecast.sentence = sentence_of(fit);
  return forecast;
}

}  // namespace

Forecasts forecast(const plan::MapSource& maps, const std::vector<Config>& configs,
                   const ForecastGround& ground) {
  const auto answers = maps(configs);
  if (!answers) {
    return {{},
            "what the configurations will take is not known before: " + answers.error().message};
  }
  const std::optional<plan::Budgets> budgets = budgets_of(ground);
  const std::vector<DeviceUse> uses = uses_of(ground.targets);
  Forecasts forecasts;
  for (std::size_t i = 0; i < answers->size(); ++i) {
    Forecast& one = forecasts.of_config.emplace_back(forecast_of((*answers)[i], budgets));
    if (uses_no_device(configs[i].placement)) {
      // What others do on the devices does not matter to the CPU alone.
      if (!ground.targets.empty()) one.vram_percent = 0.0;
      one.left_bytes = Absence{"it uses no device"};
      continue;
    }
    one.vram_percent = one.memory ? account_vram(uses, *one.memory, ground.limit_bytes).vram_percent
                                  : Reading<double>(Absence{one.memory.reason()});
    if (one.memory) one.left_bytes = left_on(uses, *one.memory, ground.limit_bytes);
  }
  return forecasts;
}

}  // namespace sweetspot::profiler
