#include "search/adaptive_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "search/hang.hpp"
#include "search/least_time.hpp"

namespace sweetspot::search {
namespace {

constexpr std::size_t kWorlds = 400;
constexpr std::uint64_t kSeed = 20261124;

// A trial that may gain this share of what the best one may gain is as good, and with fewer layers
// it is safer.
constexpr double kNearlyAsGood = 0.7;

// Where returns diminish need not be known better than to this share of the layers, or two, and is
// worth this many trials of its own: where a layer gains about as much as is worthwhile, no number
// of trials finds the layer from which it does not.
constexpr double kDiminishingWidth = 0.1;
constexpr int kDiminishingTrials = 1;

// A trial this much slower than the upper end of what the others predict lies off the curve.
constexpr double kOffCurve = 0.1;

// How often a spoiled trial is measured anew: the reference, and any other.
constexpr int kReferenceAnew = 2;
constexpr int kOtherAnew = 1;

// So many speeds that tell nothing, and none that does, are enough.
constexpr int kMostUncertain = 3;

constexpr const char* kTooUncertain = "too uncertain";

constexpr const char* kCpuReason = "the reference, and the fallback";

bool is_memory(FailureClass failure) {
  return failure == FailureClass::out_of_device_memory || failure == FailureClass::does_not_fit;
}

}  // namespace

// Everything that follows from what has been told so far.
struct AdaptiveSweep::View {
  std::optional<TimeModel> model;
  std::size_t observations = 0;
  std::vector<Contest> contests;
  std::vector<Odds> odds;                    ///< of the contests
  std::pair<int, int> diminishing = {0, 0};  ///< where returns diminish, 95 % range
  bool diminishing_known = true;

  // Where the CPU alone is the fastest of all, there are no returns to diminish.
  [[nodiscard]] bool offloading_pays(const std::vector<LayerCandidate>& candidates) const {
    const std::optional<std::size_t>& optimum = odds.back().winner;
    return !optimum || candidates[*optimum].layers > 0;
  }
};

AdaptiveSweep::AdaptiveSweep(std::vector<LayerCandidate> candidates, const ModelInfo& model,
                             SweepRules rules)
    : candidates_(std::move(candidates)), shape_(model), rules_(rules) {}

// ---- what is known

const AdaptiveSweep::Row* AdaptiveSweep::row_of(std::size_t candidate) const {
  const auto found = rows_.find(candidates_[candidate].layers);
  return found == rows_.end() ? nullptr : &found->second;
}

bool AdaptiveSweep::is_usable(std::size_t candidate) const {
  const Row* row = row_of(candidate);
  return row != nullptr && row->ms && row->objection.empty();
}

bool AdaptiveSweep::is_open(std::size_t candidate) const {
  const LayerCandidate& asked = candidates_[candidate];
  const bool closed = closed_from_ && asked.layers >= *closed_from_;
  return asked.why_not.empty() && !closed && row_of(candidate) == nullptr;
}

// What a driver takes beyond llama.cpp's buffers shows in measured rows; what nobody measured is
// moved by as much.
Reading<double> AdaptiveSweep::percent_of(std::size_t candidate) const {
  const LayerCandidate& asked = candidates_[candidate];
  const Row* row = row_of(candidate);
  if (row != nullptr && row->vram_percent) return row->vram_percent;
  if (!asked.vram_percent || asked.layers == 0) return asked.vram_percent;
  double beyond = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const Row* other = row_of(i);
    if (candidates_[i].layers == 0 || other == nullptr) continue;
    if (!other->vram_percent || !candidates_[i].vram_percent) continue;
    beyond = std::max(beyond, *other->vram_percent - *candidates_[i].vram_percent);
  }
  return *asked.vram_percent + beyond;
}

TimeModel AdaptiveSweep::fit_model(double scale_ms, std::size_t& observations) const {
  std::vector<Observation> seen;
  std::vector<Features> points;
  points.reserve(candidates_.size());
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    points.push_back(shape_.features(candidates_[i].layers));
    if (is_usable(i)) {
      const Estimate& ms = *row_of(i)->ms;
      seen.push_back({points.back(), ms.value, sd_of(ms)});
      ++observations;
    } else if (candidates_[i].slice_ms) {
      const Estimate& ms = *candidates_[i].slice_ms;
      // All that slices say hangs together: it counts as one observation of the whole curve. What
      // they are off by beyond noise is in their interval.
      seen.push_back({points.back(), ms.value, sd_of(ms) * std::sqrt(candidates_.size())});
    }
  }
  return TimeModel::fit(shape_.prior(scale_ms), seen, points);
}

AdaptiveSweep::View AdaptiveSweep::look() const {
  View view;
  double scale_ms = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (is_usable(i)) scale_ms = std::max(scale_ms, row_of(i)->ms->value);
    if (candidates_[i].slice_ms) scale_ms = std::max(scale_ms, candidates_[i].slice_ms->value);
  }
  if (scale_ms <= 0) return view;
  view.model = fit_model(scale_ms, view.observations);
  Worlds worlds = view.model->draw(kWorlds, kSeed);
  std::vector<int> layers;
  std::vector<std::size_t> tryable;
  const auto cpu = rows_.find(0);
  const auto all = rows_.find(shape_.offloadable());
  const LeastTime least{cpu != rows_.end() && cpu->second.ms ? cpu->second.ms->value : 0,
                        all != rows_.end() && all->second.ms ? all->second.ms->value : 0};
  const auto least_ms = [&](std::size_t i) {
    return least.at(shape_.cpu_share(candidates_[i].layers));
  };
  bool holds = true;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (is_usable(i) && row_of(i)->ms->high < least_ms(i)) holds = false;
  }
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    layers.push_back(candidates_[i].layers);
    if (is_usable(i) || is_open(i)) tryable.push_back(i);
    if (!is_open(i) || !holds) continue;
    for (auto& world : worlds) world[i] = std::max(world[i], least_ms(i));
  }
  view.contests = contests();
  for (const Contest& contest : view.contests) {
    view.odds.push_back(odds_of(contest, worlds, candidates_.size(), rules_.tolerance));
  }
  if (tryable.size() > 2) {
    view.diminishing = diminishing_range(worlds, tryable, layers, kWorthwhileGain);
    const double width = std::max(2.0, kDiminishingWidth * shape_.offloadable());
    view.diminishing_known = view.diminishing.second - view.diminishing.first <= width;
  }
  return view;
}

// In the order they are reported; the last one is over everything that is safe.
std::vector<Contest> AdaptiveSweep::contests() const {
  const Bands& bands = rules_.bands;
  std::vector<Contest> all = {
      {"fast", {}, {}}, {"balanced", {}, {}}, {"performance", {}, {}}, {"optimum", {}, {}}};
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!is_usable(i) && !is_open(i)) continue;
    const Reading<double> used = percent_of(i);
    if (!used && candidates_[i].layers > 0) continue;  // nobody could call it safe
    const double percent = used.value_or(0);
    if (percent > bands.performance_percent) continue;
    const std::size_t band =
        percent < bands.fast_percent ? 0 : (percent < bands.balanced_percent ? 1 : 2);
    for (const std::size_t contest : {band, all.size() - 1}) {
      (is_usable(i) ? all[contest].measured : all[contest].open).push_back(i);
    }
  }
  return all;
}

// ---- what to do

std::optional<SweepStep> AdaptiveSweep::ask() const {
  const View view = look();
  const bool begun = std::any_of(rows_.begin(), rows_.end(),
                                 [](const auto& row) { return row.second.ms.has_value(); });
  if (!view.model || !begun) {
    if (auto step = first_step()) return step;
    return measured_anew(/*at_the_end=*/true);
  }
  const bool settled = std::all_of(view.odds.begin(), view.odds.end(), [this](const Odds& odds) {
    return odds.doubt <= 1 - rules_.confidence;
  });
  if (again_) {
    return exploring(*again_, view, "again: far slower than the other trials let expect");
  }
  if (auto step = measured_anew(/*at_the_end=*/false)) return step;
  if (auto step = completion(view, settled)) return step;
  if (!settled) {
    if (auto step = into_new_band(view)) return step;
    if (auto step = most_promising(view)) return step;
    if (auto step = completion(view, true)) return step;
  }
  if (auto step = towards_diminishing(view)) return step;
  return measured_anew(/*at_the_end=*/true);
}

// What others spoiled, once they have gone; at the end the reference and what is too uncertain
// anyway: nothing is concluded from either before. The reference has the fewest layers.
std::optional<SweepStep> AdaptiveSweep::measured_anew(bool at_the_end) const {
  if (!at_the_end && !last_was_quiet_) return std::nullopt;
  for (const auto& [layers, row] : rows_) {
    const bool is_reference = layers == 0;
    const bool spoiled = row.uncertain || row.starved || (is_reference && row.slowed);
    if (!row.ms || !spoiled) continue;
    if (at_the_end && (row.times_anew > 0 || !(is_reference || row.uncertain))) continue;
    if (row.times_anew >= (is_reference ? kReferenceAnew : kOtherAnew)) continue;
    SweepStep step{layers, row.extent,
                   row.uncertain  ? "anew: its speed was too uncertain"
                   : is_reference ? "anew: it is the reference, and others slowed it down"
                                  : "anew: others used the processor before"};
    step.anew = true;
    return step;
  }
  return std::nullopt;
}

SweepStep AdaptiveSweep::exploring(int layers, const View& view, std::string reason) const {
  SweepStep step{layers, Extent::generation_only, std::move(reason)};
  step.rival_ms = rival_ms(layers, view);
  return step;
}

// What wins every contest that a layer count is in: one that is slower than the slowest of these
// winners decides nothing more.
double AdaptiveSweep::rival_ms(int layers, const View& view) const {
  double slowest = 0;
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const std::vector<std::size_t>& open = view.contests[k].open;
    const bool takes_part = std::any_of(
        open.begin(), open.end(), [&](std::size_t i) { return candidates_[i].layers == layers; });
    if (!takes_part) continue;
    if (!view.odds[k].winner) return 0;
    slowest = std::max(slowest, row_of(*view.odds[k].winner)->ms->value);
  }
  return slowest;
}

std::optional<SweepStep> AdaptiveSweep::first_step() const {
  // Where one speed after the other is too uncertain, the next one is too.
  const auto uncertain = std::count_if(rows_.begin(), rows_.end(),
                                       [](const auto& row) { return row.second.uncertain; });
  if (uncertain >= kMostUncertain) return std::nullopt;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!is_open(i)) continue;
    const int layers = candidates_[i].layers;
    return SweepStep{layers, Extent::full, layers == 0 ? kCpuReason : "the safest that is left"};
  }
  return std::nullopt;
}

// A winner that was only explored. Before everything is settled only the one that is still loaded:
// that costs no load.
std::optional<SweepStep> AdaptiveSweep::completion(const View& view, bool settled) const {
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const Odds& odds = view.odds[k];
    if (!odds.winner || row_of(*odds.winner)->extent == Extent::full) continue;
    const int layers = candidates_[*odds.winner].layers;
    const bool loaded_and_likely = last_told_ == layers && odds.doubt < 0.5;
    if (!settled && !loaded_and_likely) continue;
    return SweepStep{layers, Extent::full,
                     fmt::format("in full: it wins {}", view.contests[k].name)};
  }
  return std::nullopt;
}

// From safe to risky: a band in which nothing was offloaded yet comes before everything else.
std::optional<SweepStep> AdaptiveSweep::into_new_band(const View& view) const {
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const Contest& contest = view.contests[k];
    const bool touched = std::any_of(contest.measured.begin(), contest.measured.end(),
                                     [this](std::size_t i) { return candidates_[i].layers > 0; });
    if (touched || contest.open.empty()) continue;
    const std::vector<double>& gain = view.odds[k].gain;
    const auto best =
        *std::max_element(contest.open.begin(), contest.open.end(),
                          [&](std::size_t a, std::size_t b) { return gain[a] < gain[b]; });
    return exploring(candidates_[best].layers, view,
                     fmt::format("first GPU measurement in {}", contest.name));
  }
  return std::nullopt;
}

std::optional<SweepStep> AdaptiveSweep::most_promising(const View& view) const {
  std::vector<double> gain(candidates_.size(), 0);
  std::vector<std::size_t> first_contest(candidates_.size(), 0);
  for (std::size_t k = view.contests.size(); k-- > 0;) {
    if (view.odds[k].doubt <= 1 - rules_.confidence) continue;
    for (const std::size_t i : view.contests[k].open) {
      if (view.odds[k].gain[i] <= 0) continue;
      gain[i] += view.odds[k].gain[i];
      first_contest[i] = k;
    }
  }
  const double best = gain.empty() ? 0 : *std::max_element(gain.begin(), gain.end());
  for (std::size_t i = 0; best > 0 && i < candidates_.size(); ++i) {
    if (gain[i] < kNearlyAsGood * best) continue;
    const std::size_t k = first_contest[i];
    return exploring(candidates_[i].layers, view,
                     fmt::format("could be the best in {} ({:.0f} % in doubt)",
                                 view.contests[k].name, view.odds[k].doubt * 100));
  }
  return std::nullopt;
}

std::optional<SweepStep> AdaptiveSweep::towards_diminishing(const View& view) const {
  if (view.diminishing_known || asked_diminishing_ >= kDiminishingTrials) return std::nullopt;
  if (!view.offloading_pays(candidates_)) return std::nullopt;
  const int middle = (view.diminishing.first + view.diminishing.second) / 2;
  std::optional<int> nearest;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const int layers = candidates_[i].layers;
    if (!is_open(i)) continue;
    if (!nearest || std::abs(layers - middle) < std::abs(*nearest - middle)) nearest = layers;
  }
  if (!nearest) return std::nullopt;
  SweepStep step{*nearest, Extent::generation_only,
                 fmt::format("where returns diminish: from {} or from {} layers on",
                             view.diminishing.first, view.diminishing.second)};
  step.for_diminishing = true;
  return step;
}

// ---- what came of it

void AdaptiveSweep::close_from(int layers, std::string why) {
  if (closed_from_ && *closed_from_ <= layers) return;
  closed_from_ = layers;
  why_closed_ = std::move(why);
}

// Told by the trials of other layer counts, where they can tell.
std::optional<double> AdaptiveSweep::curve_limit_ms(int layers) const {
  const View view = look();
  if (!view.model || view.observations < 3) return std::nullopt;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (candidates_[i].layers == layers) return view.model->predict(i).high * (1 + kOffCurve);
  }
  return std::nullopt;
}

// A device that is always held to its power, or always shared, is what it is: its trials lie on one
// curve and count, with their label. Where one falls off the curve, that is a cliff.
std::string AdaptiveSweep::objection_to(const Trial& trial, bool off_curve) {
  if (trial.is(Disturbance::spilled)) return "spilled";
  if (trial.full_depth == FullDepth::failed) return "fails with its whole context in use";
  if (trial.uncertain()) return kTooUncertain;
  if (!trial.disturbances.empty() && off_curve) return label_of(trial, trial.disturbances.front());
  return {};
}

AdaptiveSweep::Row AdaptiveSweep::row_from(const Trial& trial) {
  Row row;
  row.failure = trial.failure;
  if (trial.measured()) row.ms = trial.speed()->ms_per_token;
  row.extent = trial.extent;
  row.vram_percent = trial.vram_percent;
  row.full_depth_ms = trial.full_depth_ms;
  row.slowed = trial.is(Disturbance::contended) || trial.is(Disturbance::throttled);
  row.starved = trial.shares(Contended::processor);
  row.uncertain = trial.uncertain();
  const std::uint32_t whole =
      trial.effective ? trial.effective->n_ctx / std::max(trial.workload.n_parallel, 1U) : 0;
  if (whole > trial.workload.n_depth) row.more_tokens = whole - trial.workload.n_depth;
  return row;
}

// Whether what was measured anew takes the place of what is known. Whoever disturbs only ever slows
// down.
bool AdaptiveSweep::is_sounder(const Row& fresh, const Row& known) {
  if (!fresh.ms || fresh.uncertain) return false;
  if (known.uncertain || fresh.slowed != known.slowed) return known.uncertain || known.slowed;
  return fresh.ms->value < known.ms->value;
}

void AdaptiveSweep::learn_failure(int layers, const Failure& failure) {
  if (is_memory(failure.failure_class)) {
    close_from(layers, fmt::format("{} layers: {}", layers, to_string(failure.failure_class)));
  }
  if (is_hang(failure.failure_class)) {
    if (hung_) {
      close_from(std::min(*hung_, layers),
                 fmt::format("the device hung with {} layers and with {}", std::min(*hung_, layers),
                             std::max(*hung_, layers)));
    }
    hung_ = layers;
  }
}

void AdaptiveSweep::tell(const SweepStep& step, const Trial& trial) {
  const int layers = trial.layers;
  Row row = row_from(trial);
  const auto known = rows_.find(layers);
  // Asked before the row is known, or it would speak for itself.
  row.limit_ms = known == rows_.end() ? curve_limit_ms(layers) : known->second.limit_ms;
  if (known != rows_.end()) row.times_anew = known->second.times_anew + (step.anew ? 1 : 0);
  again_.reset();
  last_told_ = layers;
  last_was_quiet_ = trial.conclusive() && trial.disturbances.empty();
  if (step.anew && !is_sounder(row, known->second)) {
    ++known->second.times_anew;
    return;
  }
  if (known != rows_.end() && known->second.ms && row.ms && step.extent != Extent::full &&
      !step.anew) {
    // Asked again. Whoever disturbs only ever slows down.
    if (known->second.ms->value < row.ms->value) row.ms = known->second.ms;
    row.extent = known->second.extent;
  }
  const bool off_curve = row.ms && row.limit_ms && row.ms->value > *row.limit_ms;
  const bool is_explained = row.starved || row.uncertain;
  if (off_curve && known == rows_.end() && !is_explained) again_ = layers;
  row.objection = objection_to(trial, off_curve && !again_);
  if (!row.objection.empty() && !is_explained) {
    close_from(layers + 1, fmt::format("{} layers: {}", layers, row.objection));
  }
  if (trial.failure) learn_failure(layers, *trial.failure);
  if (step.for_diminishing) ++asked_diminishing_;
  rows_[layers] = std::move(row);
}

CurvePoint AdaptiveSweep::curve_point(std::size_t candidate, const View& view) const {
  const LayerCandidate& asked = candidates_[candidate];
  CurvePoint point;
  point.layers = asked.layers;
  point.vram_bytes = asked.vram_bytes;
  point.vram_percent = percent_of(candidate);
  const Row* row = row_of(candidate);
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
  } else if (!is_open(candidate)) {
    point.standing = Standing::not_tried;
    point.note = why_closed_;
  } else if (view.model) {
    point.standing = Standing::predicted;
    point.generation_ms = view.model->predict(candidate);
  } else {
    point.standing = Standing::not_tried;
    point.note = "nothing has been measured that it could be predicted from";
  }
  return point;
}

std::vector<Decision> AdaptiveSweep::decisions(const View& view) const {
  std::vector<Decision> all;
  for (std::size_t k = 0; k < view.contests.size(); ++k) {
    const Contest& contest = view.contests[k];
    const Odds& odds = view.odds[k];
    Decision decision;
    decision.name = contest.name;
    decision.doubt = odds.doubt;
    decision.settled = odds.doubt <= 1 - rules_.confidence;
    if (odds.winner) decision.layers = candidates_[*odds.winner].layers;
    if (contest.measured.empty() && contest.open.empty()) {
      decision.sentence = "no layer count lies in it";
    } else if (!decision.settled) {
      decision.sentence = fmt::format(
          "not settled: another layer count is more than {:g} % faster with a probability of "
          "{:.0f} %",
          rules_.tolerance * 100, odds.doubt * 100);
    } else if (contest.open.empty()) {
      decision.sentence = "every layer count in it was measured";
    } else {
      decision.sentence =
          fmt::format("{:.0f} % sure: none of the {} other layer counts is more than {:g} % faster",
                      (1 - odds.doubt) * 100, contest.open.size(), rules_.tolerance * 100);
    }
    all.push_back(std::move(decision));
  }
  if (view.contests.back().measured.empty()) return all;
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
                "somewhere between {} and {} layers another one begins to gain less than "
                "{:g} %",
                first, last, kWorthwhileGain * 100);
  all.push_back(std::move(diminishing));
  return all;
}

DepthGrowth AdaptiveSweep::depth_growth() const {
  std::vector<DepthObservation> seen;
  for (const auto& [layers, row] : rows_) {
    if (!row.ms || !row.full_depth_ms || !row.objection.empty() || row.more_tokens <= 0) continue;
    seen.push_back({shape_.device_share(layers), row.more_tokens, *row.ms, *row.full_depth_ms});
  }
  return fit_depth_growth(seen);
}

std::optional<Estimate> AdaptiveSweep::at_full_depth(const CurvePoint& point,
                                                     const DepthGrowth& growth) const {
  const auto row = rows_.find(point.layers);
  if (row != rows_.end() && row->second.full_depth_ms) return row->second.full_depth_ms;
  if (!point.generation_ms || growth.observations == 0) return std::nullopt;
  double more_tokens = 0;
  for (const auto& [layers, one] : rows_) more_tokens = std::max(more_tokens, one.more_tokens);
  const Coefficient more = growth.added_ms(shape_.device_share(point.layers), more_tokens);
  const Estimate& ms = *point.generation_ms;
  const double value = ms.value + more.value;
  return Estimate{value, std::max(0.0, value - std::hypot(ms.value - ms.low, 1.96 * more.sd)),
                  value + std::hypot(ms.high - ms.value, 1.96 * more.sd)};
}

SweepRecord AdaptiveSweep::record() const {
  SweepRecord record;
  record.tolerance = rules_.tolerance;
  record.confidence = rules_.confidence;
  const View view = look();
  record.curve.reserve(candidates_.size());
  const DepthGrowth growth = depth_growth();
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    record.curve.push_back(curve_point(i, view));
    record.curve.back().full_depth_ms = at_full_depth(record.curve.back(), growth);
  }
  if (growth.observations > 0) {
    record.depth = DepthRecord{growth.cpu_ms.value, growth.cpu_ms.sd, growth.device_ms.value,
                               growth.device_ms.sd, growth.observations};
  }
  if (!view.model) return record;
  record.decisions = decisions(view);
  record.generation = shape_.describe(*view.model, view.observations);
  return record;
}

}  // namespace sweetspot::search
