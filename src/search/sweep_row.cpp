#include "search/sweep_row.hpp"

#include <algorithm>

namespace sweetspot::search {
namespace {

// So few samples of the CPU alone, which may have read its file for the first time, are taken
// again.
constexpr std::uint32_t kFewSamples = 8;

constexpr const char* kTooUncertain = "too uncertain";

}  // namespace

SweepRow row_from(const Trial& trial) {
  SweepRow row;
  row.failure = trial.failure;
  if (trial.measured()) row.loads = {trial.speed()->ms_per_token};
  if (trial.measured()) row.ms = row.loads.front();
  row.spilled = trial.is(Disturbance::spilled);
  row.extent = trial.extent;
  row.vram_percent = trial.vram_percent;
  row.full_depth_ms = trial.full_depth_ms;
  row.slowed = trial.is(Disturbance::contended) || trial.is(Disturbance::throttled);
  row.starved = trial.shares(Contended::processor);
  row.uncertain = trial.uncertain();
  row.few = trial.measured() && trial.speed()->samples > 0 && trial.speed()->samples < kFewSamples;
  const std::uint32_t whole =
      trial.effective ? trial.effective->n_ctx / std::max(trial.workload.n_parallel, 1U) : 0;
  if (whole > trial.workload.n_depth) row.more_tokens = whole - trial.workload.n_depth;
  return row;
}

// A device that is always held to its power, or always shared, is what it is: its trials lie on one
// curve and count, with their label. Where one falls off the curve, that is a cliff.
std::string fault_of(const Trial& trial, bool off_curve) {
  if (trial.full_depth == FullDepth::failed) return "fails with its whole context in use";
  if (trial.uncertain()) return kTooUncertain;
  if (!trial.disturbances.empty() && off_curve) return label_of(trial, trial.disturbances.front());
  return {};
}

// Whether what was measured anew takes the place of what is known. Whoever disturbs only ever slows
// down.
bool is_sounder(const SweepRow& fresh, const SweepRow& known) {
  if (!fresh.ms || fresh.uncertain) return false;
  if (known.uncertain || fresh.slowed != known.slowed) return known.uncertain || known.slowed;
  return fresh.ms->value < known.ms->value;
}

// With what was measured of the row before. Whoever disturbs only ever slows down: of one load the
// faster measurement counts, and a load that lies on the curve clears one that did not.
std::vector<Estimate> loads_with(const SweepRow& known, const Estimate& fresh, Repeat repeat) {
  std::vector<Estimate> loads = known.loads;
  if (repeat.clears) return {fresh};
  if (!repeat.same_load) {
    loads.push_back(fresh);
  } else if (!repeat.was_asked || fresh.value < loads.back().value) {
    loads.back() = fresh;
  }
  return loads;
}

}  // namespace sweetspot::search
