#include "search/sweep_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "search/depth_growth.hpp"
#include "search/hang.hpp"
#include "search/sweep_view.hpp"

namespace sweetspot::search {
namespace {

// Between the CPU alone and the least count that was measured on a device nobody knows where the
// step from the one to the other lies: an interval there holds the straight way between them, too.
Estimate with_way_in(const SweepState& sweep, int layers, Estimate predicted) {
  const auto& rows = sweep.rows;
  const auto usable = [](const auto& row) { return row.second.is_usable(); };
  const auto cpu = std::find_if(rows.begin(), rows.end(), usable);
  if (cpu == rows.end() || cpu->first != 0) return predicted;
  const auto least = std::find_if(std::next(cpu), rows.end(), usable);
  if (least == rows.end() || layers >= least->first) return predicted;
  const double share = static_cast<double>(layers) / least->first;
  const auto between = [&](double at_cpu, double at_least) {
    return at_cpu + share * (at_least - at_cpu);
  };
  const Estimate& from = *cpu->second.ms;
  const Estimate& to = *least->second.ms;
  predicted.low = std::min(predicted.low, between(from.low, to.low));
  predicted.high = std::max(predicted.high, between(from.high, to.high));
  return predicted;
}

CurvePoint curve_point(const SweepState& sweep, const SweepView& view, std::size_t candidate) {
  const LayerCandidate& asked = sweep.candidates[candidate];
  CurvePoint point;
  point.layers = asked.layers;
  point.vram_bytes = asked.vram_bytes;
  point.vram_percent = sweep.percent_of(candidate);
  const SweepRow* row = sweep.row_of(candidate);
  if (row != nullptr && row->ms) {
    point.standing = Standing::measured;
    point.generation_ms = row->ms;
    point.note = row->objection;
  } else if (row != nullptr && row->failure) {
    point.standing =
        is_memory(row->failure->failure_class) ? Standing::does_not_fit : Standing::failed;
    point.note = row->failure->message;
  } else if (!asked.why_not.empty()) {
    point.standing = Standing::does_not_fit;
    point.note = asked.why_not;
  } else if (!sweep.is_open(candidate)) {
    point.standing = Standing::not_tried;
    point.note = sweep.closed.why;
  } else if (view.model) {
    point.standing = Standing::predicted;
    point.generation_ms = with_way_in(sweep, asked.layers, view.model->predict(candidate));
  } else {
    point.standing = Standing::not_tried;
    point.note = "nothing has been measured that it could be predicted from";
  }
  return point;
}

Decision decision_of(const SweepState& sweep, const Contest& contest, const Odds& odds) {
  Decision decision;
  decision.name = contest.name;
  decision.doubt = odds.doubt;
  decision.settled = odds.doubt <= 1 - sweep.rules.confidence;
  if (odds.winner) decision.layers = sweep.candidates[*odds.winner].layers;
  if (contest.measured.empty() && contest.open.empty()) {
    decision.sentence = "no layer count lies in it";
  } else if (!decision.settled) {
    decision.sentence = fmt::format(
        "not settled: another layer count is more than {:g} % faster with a probability of "
        "{:.0f} %",
        sweep.rules.tolerance * 100, odds.doubt * 100);
  } else if (contest.open.empty()) {
    decision.sentence = "every layer count in it was measured";
  } else {
    decision.sentence =
        fmt::format("{:.0f} % sure: none of the {} other layer counts is more than {:g} % faster",
                    (1 - odds.doubt) * 100, contest.open.size(), sweep.rules.tolerance * 100);
  }
  return decision;
}

Decision diminishing_of(const SweepView& view) {
  Decision diminishing;
  diminishing.name = "diminishing";
  diminishing.settled = view.diminishing_known;
  if (view.diminishing_known) {
    diminishing.layers = (view.diminishing.first + view.diminishing.second) / 2;
  }
  const auto [first, last] = view.diminishing;
  diminishing.sentence =
      first == last
          ? fmt::format("every layer up to {} gains {:g} % or more", first, kWorthwhileGain * 100)
          : fmt::format(
                "the gain of another layer falls below {:g} % somewhere between {} and {} layers",
                kWorthwhileGain * 100, first, last);
  return diminishing;
}

std::vector<Decision> decisions_of(const SweepState& sweep, const SweepView& view) {
  std::vector<Decision> all;
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    all.push_back(decision_of(sweep, view.contests[k], view.odds[k]));
  }
  if (!view.contests.back().measured.empty()) all.push_back(diminishing_of(view));
  return all;
}

DepthGrowth depth_growth_of(const SweepState& sweep) {
  std::vector<DepthObservation> seen;
  for (const auto& [layers, row] : sweep.rows) {
    if (!row.ms || !row.full_depth_ms || !row.objection.empty() || row.more_tokens <= 0) continue;
    seen.push_back(
        {sweep.shape.device_share(layers), row.more_tokens, *row.ms, *row.full_depth_ms});
  }
  return fit_depth_growth(seen);
}

std::optional<Estimate> at_full_depth(const SweepState& sweep, const CurvePoint& point,
                                      const DepthGrowth& growth) {
  const auto row = sweep.rows.find(point.layers);
  if (row != sweep.rows.end() && row->second.full_depth_ms) return row->second.full_depth_ms;
  if (!point.generation_ms || growth.observations == 0) return std::nullopt;
  double more_tokens = 0;
  for (const auto& [layers, one] : sweep.rows) more_tokens = std::max(more_tokens, one.more_tokens);
  const Coefficient more = growth.added_ms(sweep.shape.device_share(point.layers), more_tokens);
  const Estimate& ms = *point.generation_ms;
  const double value = ms.value + more.value;
  return Estimate{value, std::max(0.0, value - std::hypot(ms.value - ms.low, 1.96 * more.sd)),
                  value + std::hypot(ms.high - ms.value, 1.96 * more.sd)};
}

}  // namespace

SweepRecord record_of(const SweepState& sweep) {
  SweepRecord record;
  record.tolerance = sweep.rules.tolerance;
  record.confidence = sweep.rules.confidence;
  const SweepView view = look(sweep);
  record.curve.reserve(sweep.candidates.size());
  const DepthGrowth growth = depth_growth_of(sweep);
  for (std::size_t i = 0; i < sweep.candidates.size(); ++i) {
    record.curve.push_back(curve_point(sweep, view, i));
    record.curve.back().full_depth_ms = at_full_depth(sweep, record.curve.back(), growth);
  }
  if (growth.observations > 0) {
    record.depth = DepthRecord{growth.cpu_ms.value, growth.cpu_ms.sd, growth.device_ms.value,
                               growth.device_ms.sd, growth.observations};
  }
  if (!view.model) return record;
  record.decisions = decisions_of(sweep, view);
  record.generation = sweep.shape.describe(*view.model, view.observations);
  return record;
}

}  // namespace sweetspot::search
