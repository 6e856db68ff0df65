#include "profiler/sweep_asker.hpp"

#include <algorithm>
#include <utility>

#include "core/no_device.hpp"
#include "profiler/slice_prior.hpp"

namespace sweetspot::profiler {
namespace {

std::vector<search::LayerCandidate> candidates_of(const Forecasts& forecasts, int offloadable) {
  std::vector<search::LayerCandidate> all;
  for (int layers = 0; layers <= offloadable; ++layers) {
    search::LayerCandidate& one = all.emplace_back();
    one.layers = layers;
    const Forecast* const known = forecast_at(forecasts, static_cast<std::size_t>(layers));
    if (known == nullptr) continue;
    one.vram_percent = known->vram_percent;
    one.vram_bytes = known->vram_bytes();
    one.why_not = known->why_not();
  }
  return all;
}

}  // namespace

ListAsker::ListAsker(Loop& loop, const std::vector<int>& requested_layers)
    : sweep_(requested_layers, loop.prepared().offloadable()) {
  configs_.reserve(sweep_.points().size());
  for (const search::SweepPoint& point : sweep_.points()) {
    configs_.push_back(point.cpu_alone ? loop.prepared().on_cpu_alone()
                                       : loop.prepared().with_layers(point.layers));
  }
  forecasts_ = loop.forecast(configs_);
}

std::optional<TrialAsk> ListAsker::ask() {
  const auto point = sweep_.ask();
  if (!point) return std::nullopt;
  TrialAsk ask{configs_[sweep_.at()], point->layers, point->requested_layers};
  ask.not_tried = point->not_tried;
  ask.reason = point->reason;
  if (point->cpu_alone) ask.title = kCpuAloneTitle;
  ask.forecast = forecast_at(forecasts_, sweep_.at());
  ask.total = std::max(sweep_.points().size(), told_ + 1);
  ask.loads_anew = true;
  return ask;
}

void ListAsker::tell(const Trial& trial, std::size_t index) {
  told_ = index + 1;
  sweep_.tell(trial);
}

AdaptiveAsker::AdaptiveAsker(Loop& loop) : loop_(loop) {
  const Prepared& prepared = loop.prepared();
  // For the curve 0 layers are the CPU alone; beside a device they are a row of their own, the
  // last.
  configs_.push_back(prepared.on_cpu_alone());
  for (int count = 1; count <= prepared.offloadable(); ++count) {
    configs_.push_back(prepared.with_layers(count));
  }
  std::vector<Config> asked = configs_;
  asked.push_back(prepared.with_layers(0));
  forecasts_ = loop.forecast(asked);

  const Forecast* const fits = forecast_at(forecasts_, configs_.size());
  if (!prepared.targets.empty() && loop.run().workload.n_prompt > 0 &&
      (fits == nullptr || fits->why_not().empty())) {
    beside_.emplace(TrialAsk{asked.back(), 0, {0}});
    beside_->reason = "no layer lies on the device, but it reads prompts";
    beside_->forecast = fits;
  }

  search::SweepRules rules;
  rules.bands = prepared.request.bands;
  auto candidates = candidates_of(forecasts_, prepared.offloadable());
  slices_ = take_slice_prior(candidates, loop);
  sweep_.emplace(std::move(candidates), prepared.run.model, rules);
  only_slices_ = prepared.request.slices == SlicePolicy::only;
}

std::optional<TrialAsk> AdaptiveAsker::ask() {
  if (only_slices_) return std::nullopt;
  step_ = sweep_->ask();
  std::optional<TrialAsk> ask;
  if (step_) ask = ask_of(*step_);
  beside_was_asked_ = beside_ && loop_.has_results() && !(ask && loop_.completes(*ask));
  return beside_was_asked_ ? beside_ : ask;
}

TrialAsk AdaptiveAsker::ask_of(const search::SweepStep& step) const {
  const auto at = static_cast<std::size_t>(step.layers);
  TrialAsk ask{configs_[at], step.layers, {step.layers}, step.extent, step.rival_ms, step.reason};
  if (step.layers == 0) ask.title = kCpuAloneTitle;
  ask.forecast = forecast_at(forecasts_, at);
  ask.completes = step.extent == Extent::full;
  return ask;
}

void AdaptiveAsker::tell(const Trial& trial, std::size_t /*index*/) {
  if (beside_was_asked_) {
    beside_.reset();
    return;
  }
  sweep_->tell(*step_, trial);
}

void AdaptiveAsker::record(Run& run, const std::string& ended) const {
  run.sweep = sweep_->record();
  run.sweep->slices = slices_;
  run.sweep->ended = ended;
}

std::string AdaptiveAsker::why_ended() const {
  return only_slices_ ? "only slices were asked for" : "everything is settled";
}

}  // namespace sweetspot::profiler
