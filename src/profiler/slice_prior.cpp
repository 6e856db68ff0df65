#include "profiler/slice_prior.hpp"

#include <string>

#include "devices/machine.hpp"
#include "profiler/slices.hpp"

namespace sweetspot::profiler {
namespace {

bool wants_slices(const Prepared& prepared) {
  // Slices predict generation.
  if (!prepared.request.workload.generates() || !prepared.abilities.slices) return false;
  return prepared.request.slices == SlicePolicy::automatic
             ? prepared.run.model.size_bytes >= kSlicesFromBytes
             : prepared.request.slices != SlicePolicy::never;
}

SliceJob job_of(const Prepared& prepared, const Loop& loop) {
  const Request& request = prepared.request;
  SliceJob job;
  job.model = prepared.run.model;
  job.base = request.base;
  job.workload = request.workload;
  job.workload.n_prompt = 0;  // the sweep decides by generation
  job.start = request.start;
  job.has_device = !prepared.targets.empty();
  job.max_seconds = 2 * request.max_seconds;
  job.cache_bytes = devices::last_level_cache_bytes();
  job.on_progress = [&loop](double fraction, const std::string& step) {
    loop.say(Preparing{"slices: " + step, fraction});
  };
  return job;
}

SliceRecord record_of(const SlicePrediction& prediction) {
  SliceRecord record;
  record.weight_share = prediction.weight_share;
  record.small_read_bytes = prediction.plan.small_read_bytes;
  record.cache_bytes = prediction.plan.cache_bytes;
  record.rounds = prediction.rounds;
  record.seconds = prediction.load_seconds + prediction.measure_seconds;
  const search::SliceCosts& costs = prediction.generation_costs;
  record.cpu_block_ms = costs.cpu_block_ms;
  record.device_block_ms = costs.device_block_ms;
  record.crossing_ms = costs.mixed_rest_ms - costs.device_rest_ms;
  record.notes = prediction.notes;
  return record;
}

}  // namespace

std::optional<SliceRecord> take_slice_prior(std::vector<search::LayerCandidate>& candidates,
                                            Loop& loop) {
  if (!wants_slices(loop.prepared()) || loop.cancelled()) return std::nullopt;
  loop.say(Preparing{"slices of the model", 0});
  const Reading<SlicePrediction> prediction = predict_by_slices(job_of(loop.prepared(), loop));
  if (!prediction) {
    loop.say(Notice{"slices of the model say nothing: " + prediction.reason()});
    return std::nullopt;
  }
  for (search::LayerCandidate& candidate : candidates) {
    const auto at = static_cast<std::size_t>(candidate.layers);
    if (at < prediction->generation_ms_by_layers.size()) {
      candidate.slice_ms = prediction->generation_ms_by_layers[at];
    }
  }
  return record_of(*prediction);
}

}  // namespace sweetspot::profiler
