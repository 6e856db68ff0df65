#include "search/adaptive_sweep.hpp"

#include <utility>

#include "search/cliff.hpp"
#include "search/sweep_report.hpp"
#include "search/sweep_view.hpp"

namespace sweetspot::search {

AdaptiveSweep::AdaptiveSweep(std::vector<LayerCandidate> candidates, const ModelInfo& model,
                             SweepRules rules)
    : sweep_{std::move(candidates), LayerShape(model), rules} {}

std::optional<SweepStep> AdaptiveSweep::ask() const { return next_count(sweep_, turn_); }

SweepRecord AdaptiveSweep::record() const { return record_of(sweep_); }

std::vector<std::pair<int, std::string>> AdaptiveSweep::off_the_curve() const {
  return search::off_the_curve(sweep_.rows);
}

void AdaptiveSweep::know_spilled(int layers, bool spilled) {
  const auto row = sweep_.rows.find(layers);
  if (row == sweep_.rows.end() || row->second.spilled == spilled) return;
  row->second.spilled = spilled;
  sweep_.judge();
}

bool AdaptiveSweep::falls_off(int layers, const SweepRow& row) const {
  return falls_off_now(sweep_.rows, sweep_.shape, layers, row, sweep_.rules.tolerance);
}

void AdaptiveSweep::tell(const SweepStep& step, const Trial& trial) {
  SweepRows& rows = sweep_.rows;
  const int layers = trial.layers;
  SweepRow row = row_from(trial);
  row.told_at = ++told_;
  const auto known = rows.find(layers);
  const bool is_new = known == rows.end();
  // Asked before the row is known, or it would speak for itself.
  row.limit_ms = is_new ? curve_limit_ms(sweep_, layers) : known->second.limit_ms;
  if (!is_new) row.times_anew = known->second.times_anew + (step.anew ? 1 : 0);
  row.confirmed = step.loads_anew || (!is_new && known->second.confirmed);
  const bool repeats = turn_.again == layers;
  const bool same_load = turn_.last_told == layers && !step.loads_anew;
  turn_.again.reset();
  turn_.last_told = layers;
  turn_.last_was_quiet = trial.conclusive() && trial.disturbances.empty();
  if (step.anew && !is_sounder(row, known->second)) {
    ++known->second.times_anew;
    return;
  }
  if (!is_new && !step.anew && known->second.ms && row.ms) {
    const bool was_off = known->second.suspect || known->second.off_curve;
    const bool clears = was_off && !falls_off(layers, row);
    row.loads = loads_with(known->second, *row.ms, {same_load, repeats, clears});
    row.ms = together(row.loads);
    if (step.extent != Extent::full) row.extent = known->second.extent;
  }
  const bool off_curve = row.ms && row.limit_ms && row.ms->value > *row.limit_ms;
  const bool is_explained = row.starved || row.uncertain;
  if (is_new && !is_explained && (off_curve || falls_off(layers, row))) turn_.again = layers;
  row.fault = fault_of(trial, off_curve && !turn_.again);
  if (step.for_diminishing) ++turn_.asked_diminishing;
  rows[layers] = std::move(row);
  sweep_.judge();
  // What others confirm already needs no second look.
  if (rows.at(layers).off_curve) turn_.again.reset();
}

}  // namespace sweetspot::search
