#include "profiler/slice_seat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/offload_targets.hpp"
#include "profiler/burst.hpp"
#include "profiler/failed.hpp"
#include "profiler/passes.hpp"

namespace sweetspot::profiler {
namespace {

using protocol::MeasureKind;

/// Cut from each burst: they find what the slice before left in the caches.
constexpr std::uint32_t kColdSamples = 2;
constexpr std::uint32_t kFewestSamples = 6;  ///< of a burst, cold ones left out
constexpr double kMostSamples = 200;
/// Of the prompt that warms up: its buffers are touched for the first time.
constexpr std::uint32_t kWarmUpTokens = 64;

Failure impossible(std::string message) {
  return failed(FailureClass::config_rejected, Phase::load, std::move(message));
}

// As in a trial, so that predictions and trials speak of the same tokens.
protocol::MeasureRequest burst_of(const Workload& workload, std::uint32_t samples) {
  protocol::MeasureRequest request = generation_pass(workload, /*behind_prompt=*/false);
  request.max_samples = samples;
  return request;
}

/// The mean, not the median: means of parts add up to the mean of the whole, and a token of the
/// whole model is long enough to meet what interrupts only some tokens of a slice.
double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(1, values.size()));
}

bool any_choice_of_devices(const protocol::HelloResult& hello) {
  return offload_targets(hello.devices, {}).size() > 1;
}

}  // namespace

bool is_over_rpc(const SliceJob& job) {
  const auto& devices = job.base.placement.devices;
  return !job.start.rpc.empty() && (devices.empty() || devices.front().starts_with("RPC"));
}

Outcome<void> SliceSeat::load(std::uint64_t expected_bytes) {
  engine::StartOptions start = job_->start;
  Placement placement = job_->base.placement;
  placement.n_gpu_layers = layers_;
  if (place_ == SlicePlace::cpu && is_over_rpc(*job_)) {
    start.rpc.clear();
    placement.devices.clear();
  }
  auto worker = engine::Worker::start(start);
  if (!worker) return tl::unexpected(worker.error());
  if (layers_ > 0 && placement.devices.empty() && any_choice_of_devices(worker->hello())) {
    return tl::unexpected(impossible("a few blocks cannot be shared out to several devices"));
  }
  const protocol::Slice slice{static_cast<std::uint32_t>(size_.first_block),
                              static_cast<std::uint32_t>(size_.blocks), size_.vocab_rows};
  const auto loaded = worker->load({job_->model.path, placement, slice}, expected_bytes);
  if (!loaded) return tl::unexpected(loaded.error());
  if (loaded->n_gpu_layers.value_or(layers_) != layers_) {
    return tl::unexpected(impossible(fmt::format("llama.cpp offloaded {} layers of a slice, not {}",
                                                 *loaded->n_gpu_layers, layers_)));
  }
  if (loaded->slice) weight_bytes_ = loaded->slice->total_bytes;
  if (const auto context = worker->context(job_->base.context); !context) {
    return tl::unexpected(context.error());
  }
  worker_.emplace(*std::move(worker));
  warm_for_generation_ = warm_for_prompts_ = false;
  return {};
}

Outcome<double> SliceSeat::generation(double seconds) {
  if (!warm_for_generation_) {
    if (auto warm = generation_of(kFewestSamples); !warm) return warm;
    warm_for_generation_ = true;
  }
  const double sample_ms = ms_per_token_ * job_->base.context.n_parallel;
  const double wanted = seconds * 1e3 / std::max(sample_ms, 1e-3);
  return generation_of(static_cast<std::uint32_t>(
      std::clamp(wanted, static_cast<double>(kFewestSamples), kMostSamples)));
}

Outcome<double> SliceSeat::generation_of(std::uint32_t samples) {
  auto times = burst(*worker_, burst_of(job_->workload, samples + kColdSamples));
  if (!times) return tl::unexpected(times.error());
  if (times->size() > kColdSamples) times->erase(times->begin(), times->begin() + kColdSamples);
  ms_per_token_ = mean_of(*times);
  return ms_per_token_;
}

Outcome<double> SliceSeat::prompt() {
  if (!warm_for_prompts_) {
    const auto few =
        std::min({job_->workload.n_prompt, job_->base.context.n_ubatch, kWarmUpTokens});
    if (auto warm = prompt_of(std::max(few, 1U)); !warm) return warm;
    warm_for_prompts_ = true;
  }
  return prompt_of(job_->workload.n_prompt);
}

Outcome<double> SliceSeat::prompt_of(std::uint32_t tokens) {
  const auto times = burst(*worker_, {MeasureKind::prompt, job_->workload.n_depth, tokens, 1});
  if (!times) return tl::unexpected(times.error());
  return times->front();
}

}  // namespace sweetspot::profiler
