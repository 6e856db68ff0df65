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

// 0 layers beside a device are a row of their own.
bool is_of_the_curve(const Trial& trial) {
  return trial.layers > 0 || uses_no_device(trial.config.placement);
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
  ask.completes = step.extent == Extent::full && !step.loads_anew;
  ask.loads_anew = step.loads_anew;
  return ask;
}

void AdaptiveAsker::tell(const Trial& trial, std::size_t /*index*/) {
  if (beside_was_asked_) {
    beside_.reset();
    return;
  }
  sweep_->tell(*step_, trial);
  // What a trial is called may change with those after it.
  for (const Trial& one : loop_.results()) {
    if (is_of_the_curve(one)) sweep_->know_spilled(one.layers, one.is(Disturbance::spilled));
  }
}

// What the sweep knows of a trial by all the others is said of it everywhere: no profile is made of
// it, and people can read why.
void AdaptiveAsker::mark_off_the_curve(std::vector<Trial>& trials) const {
  for (const auto& [layers, sentence] : sweep_->off_the_curve()) {
    for (Trial& trial : trials) {
      if (trial.layers != layers || !trial.measured() || !is_of_the_curve(trial)) continue;
      if (!trial.is(Disturbance::spilled)) trial.notes.push_back(sentence);
      trial.mark(Disturbance::spilled);
    }
  }
}

void AdaptiveAsker::record(Run& run, const std::string& ended) const {
  // Until then a further trial may show that it was something else.
  if (!ended.empty()) mark_off_the_curve(run.results);
  run.sweep = sweep_->record();
  run.sweep->slices = slices_;
  run.sweep->ended = ended;
}

std::string AdaptiveAsker::why_ended() const {
  return only_slices_ ? "only slices were asked for" : "everything is settled";
}

}  // namespace sweetspot::profiler
