#include "profiler/config_asker.hpp"

#include <utility>

#include "core/no_device.hpp"

namespace sweetspot::profiler {
namespace {

constexpr int kMostAsks = 2;

// What a driver moved to system memory it moves again.
bool may_have_passed(const Trial& trial) {
  return trial.measured() && !trial.disturbances.empty() && !trial.is(Disturbance::spilled);
}

}  // namespace

ConfigAsker::ConfigAsker(Loop& loop, const Config& config, ConfigAsk how)
    : how_(std::move(how)), forecasts_(loop.forecast({config})) {
  ask_.config = config;
  ask_.layers = effective_layers(config.placement.n_gpu_layers, loop.prepared().offloadable());
  ask_.requested_layers = {config.placement.n_gpu_layers};
  ask_.extent = how_.extent;
  ask_.title = how_.title;
  if (ask_.title.empty() && uses_no_device(config.placement)) ask_.title = kCpuAloneTitle;
  ask_.forecast = forecast_at(forecasts_, 0);
}

std::optional<TrialAsk> ConfigAsker::ask() {
  if (!is_due_) return std::nullopt;
  ++asks_;
  return ask_;
}

void ConfigAsker::tell(const Trial& trial, std::size_t /*index*/) {
  is_due_ = how_.again && asks_ < kMostAsks && may_have_passed(trial);
  ask_.reason = "the first time it was disturbed";
}

void ConfigAsker::while_held(TrialRunner& runner, const Run& run) {
  if (!is_due_ && how_.while_held) how_.while_held(runner, run);
}

}  // namespace sweetspot::profiler
