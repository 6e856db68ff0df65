#include "search/adaptive_sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>

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

// Of the only count known on the device, the share at which a second one is looked at: where it is
// fast, a device that slows down as it fills hides between the two ends.
constexpr double kBetween = 0.65;

// How often a spoiled trial is measured anew: the reference, and any other.
constexpr int kReferenceAnew = 2;
constexpr int kOtherAnew = 1;

// So few samples of the CPU alone, which may have read its file for the first time, are taken
// again.
constexpr std::uint32_t kFewSamples = 8;

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
  return row != nullptr && row->ms && row->objection.empty() && !row->suspect;
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
      for (const Estimate& ms : row_of(i)->loads) {
        seen.push_back({points.back(), ms.value, sd_of(ms)});
      }
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
  LeastTime least;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!is_usable(i)) continue;
    if (candidates_[i].layers == 0) least.cpu_ms = row_of(i)->ms->value;
    if (candidates_[i].layers == shape_.offloadable()) least.all_ms = row_of(i)->ms->value;
  }
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

// Of the contests; nothing where it is not safe, or nobody could call it so.
std::optional<std::size_t> AdaptiveSweep::band_of(std::size_t candidate) const {
  const Bands& bands = rules_.bands;
  const Reading<double> used = percent_of(candidate);
  if (!used && candidates_[candidate].layers > 0) return std::nullopt;
  const double percent = used.value_or(0);
  if (percent > bands.performance_percent) return std::nullopt;
  return percent < bands.fast_percent ? 0 : (percent < bands.balanced_percent ? 1 : 2);
}

// In the order they are reported; the last one is over everything that is safe.
std::vector<Contest> AdaptiveSweep::contests() const {
  std::vector<Contest> all = {
      {"fast", {}, {}}, {"balanced", {}, {}}, {"performance", {}, {}}, {"optimum", {}, {}}};
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!is_usable(i) && !is_open(i)) continue;
    const std::optional<std::size_t> band = band_of(i);
    if (!band) continue;
    for (const std::size_t contest : {*band, all.size() - 1}) {
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
  const bool settled = !confirm_suspect(view) && !second_count(view) &&
                       std::all_of(view.odds.begin(), view.odds.end(), [this](const Odds& odds) {
                         return odds.doubt <= 1 - rules_.confidence;
                       });
  if (again_) {
    return exploring(*again_, view, "again: far slower than the other trials let expect");
  }
  if (auto step = measured_anew(/*at_the_end=*/false)) return step;
  if (auto step = completion(view, settled)) return step;
  if (!settled) {
    if (auto step = into_new_band(view)) return step;
    if (auto step = second_count(view)) return step;
    if (auto step = about_suspect(view)) return step;
    if (auto step = most_promising(view)) return step;
    if (auto step = confirm_suspect(view)) return step;
    if (auto step = completion(view, true)) return step;
  }
  if (auto step = towards_diminishing(view)) return step;
  if (auto step = confirm_cliff(view)) return step;
  return measured_anew(/*at_the_end=*/true);
}

// What others spoiled, once they have gone; at the end the reference and what is too uncertain
// anyway: nothing is concluded from either before. The reference has the fewest layers.
std::optional<SweepStep> AdaptiveSweep::measured_anew(bool at_the_end) const {
  if (!at_the_end && !last_was_quiet_) return std::nullopt;
  for (const auto& [layers, row] : rows_) {
    const bool is_reference = layers == 0;
    const bool few = is_reference && row.few && row.times_anew == 0;
    const bool spoiled = row.uncertain || row.starved || few || (is_reference && row.slowed);
    if (!row.ms || !spoiled) continue;
    if (at_the_end && (row.times_anew > 0 || !(is_reference || row.uncertain))) continue;
    if (row.times_anew >= (is_reference ? kReferenceAnew : kOtherAnew)) continue;
    SweepStep step{layers, row.extent,
                   few             ? "anew: it is the reference, and it has few samples"
                   : row.uncertain ? "anew: its speed was too uncertain"
                   : is_reference  ? "anew: it is the reference, and others slowed it down"
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
    return exploring(halved(candidates_[best].layers, contest), view,
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
    return exploring(halved(candidates_[i].layers, view.contests[k]), view,
                     fmt::format("could be the best in {} ({:.0f} % in doubt)",
                                 view.contests[k].name, view.odds[k].doubt * 100));
  }
  return std::nullopt;
}

// Whether it stays slow above: where the count with the most layers lies on the curve again, what
// was seen is no cliff.
std::optional<SweepStep> AdaptiveSweep::about_suspect(const View& view) const {
  for (const auto& [layers, row] : rows_) {
    if (!row.suspect) continue;
    const std::vector<std::size_t>& open = view.contests.back().open;
    if (open.empty() || candidates_[open.back()].layers < layers) return std::nullopt;
    return exploring(candidates_[open.back()].layers, view,
                     fmt::format("whether what is slow with {} layers stays slow", layers));
  }
  return std::nullopt;
}

// Whether its band has nothing else that was measured on a device: else a count that is slower than
// one with fewer layers does not win, cliff or not.
bool AdaptiveSweep::decides_a_band(int layers, const View& view) const {
  const auto at = std::find_if(candidates_.begin(), candidates_.end(),
                               [&](const auto& one) { return one.layers == layers; });
  const auto band = band_of(static_cast<std::size_t>(at - candidates_.begin()));
  if (!band) return false;
  const std::vector<std::size_t>& measured = view.contests[*band].measured;
  return std::none_of(measured.begin(), measured.end(),
                      [this](std::size_t i) { return candidates_[i].layers > 0; });
}

// Two points make a line that nothing speaks against: before it is believed, a second count on the
// device is measured.
std::optional<SweepStep> AdaptiveSweep::second_count(const View& view) const {
  std::vector<int> known;
  for (const auto& [layers, row] : rows_) {
    if (layers > 0 && row.ms) known.push_back(layers);
  }
  if (known.size() != 1) return std::nullopt;
  std::optional<int> nearest;
  const double wished = kBetween * known.front();
  for (const std::size_t i : view.contests.back().open) {
    const int layers = candidates_[i].layers;
    if (layers < 2 || layers >= known.front()) continue;
    if (!nearest || std::abs(layers - wished) < std::abs(*nearest - wished)) nearest = layers;
  }
  if (!nearest) return std::nullopt;
  return exploring(*nearest, view, "whether time is a line: one count on the device tells nothing");
}

// Nothing is concluded from what was seen once.
std::optional<SweepStep> AdaptiveSweep::confirm_suspect(const View& view) const {
  for (const auto& [layers, row] : rows_) {
    if (!row.suspect || row.confirmed || !decides_a_band(layers, view)) continue;
    SweepStep step = exploring(layers, view, "loaded again: slower than fewer layers let expect");
    step.loads_anew = true;
    return step;
  }
  return std::nullopt;
}

// What slows the processor down for minutes looks like a cliff, too: a band that would stay empty
// for speeds alone is asked once more when something that was measured since lies on the curve.
std::optional<SweepStep> AdaptiveSweep::confirm_cliff(const View& view) const {
  for (const auto& [layers, row] : rows_) {
    if (!row.off_curve || !decides_a_band(layers, view)) continue;
    const bool is_quiet = std::any_of(rows_.begin(), rows_.end(), [&, at = row.told_at](auto& one) {
      return one.first > 0 && one.second.ms && one.second.objection.empty() &&
             one.second.told_at > at;
    });
    // The one with the fewest layers speaks for those above it.
    if (row.confirmed || !is_quiet) return std::nullopt;
    SweepStep step = exploring(layers, view, "loaded again: was it others that slowed it down?");
    step.loads_anew = true;
    return step;
  }
  return std::nullopt;
}

// Between a good count and one that is not, where a cliff begins is found by halves: `layers`, or
// the middle of that gap. What looks like a bend from afar may be one: the middle tells.
int AdaptiveSweep::halved(int layers, const Contest& contest) const {
  Gap gap{-1, closed_from_.value_or(shape_.offloadable() + 1)};
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    const Row* row = row_of(i);
    if (row != nullptr && (row->suspect || row->off_curve || row->bent || row->spilled)) {
      gap.bad = std::min(gap.bad, candidates_[i].layers);
    }
  }
  if (gap.bad > shape_.offloadable() || layers > gap.bad) return layers;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (is_usable(i) && candidates_[i].layers < gap.bad) gap.good = candidates_[i].layers;
  }
  if (layers < gap.good) return layers;
  std::vector<int> open;
  for (const std::size_t i : contest.open) open.push_back(candidates_[i].layers);
  gap.good = std::max(gap.good, open.front() - 1);
  return middle_of(gap, open).value_or(layers);
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
std::string AdaptiveSweep::fault_of(const Trial& trial, bool off_curve) {
  if (trial.full_depth == FullDepth::failed) return "fails with its whole context in use";
  if (trial.uncertain()) return kTooUncertain;
  if (!trial.disturbances.empty() && off_curve) return label_of(trial, trial.disturbances.front());
  return {};
}

AdaptiveSweep::Row AdaptiveSweep::row_from(const Trial& trial) {
  Row row;
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

// Whether what was measured anew takes the place of what is known. Whoever disturbs only ever slows
// down.
bool AdaptiveSweep::is_sounder(const Row& fresh, const Row& known) {
  if (!fresh.ms || fresh.uncertain) return false;
  if (known.uncertain || fresh.slowed != known.slowed) return known.uncertain || known.slowed;
  return fresh.ms->value < known.ms->value;
}

void AdaptiveSweep::close_after_failure(int layers, const Failure& failure,
                                        std::optional<int>& hung) {
  if (is_memory(failure.failure_class)) {
    close_from(layers, fmt::format("{} layers: {}", layers, to_string(failure.failure_class)));
  }
  if (!is_hang(failure.failure_class)) return;
  if (hung) {
    close_from(*hung, fmt::format("the device hung with {} layers and with {}", *hung, layers));
  } else {
    hung = layers;
  }
}

void AdaptiveSweep::know_spilled(int layers, bool spilled) {
  const auto row = rows_.find(layers);
  if (row == rows_.end() || row->second.spilled == spilled) return;
  row->second.spilled = spilled;
  judge();
}

// Every row is judged again by all that is known now.
void AdaptiveSweep::judge() {
  closed_from_.reset();
  std::optional<int> hung;
  for (auto& [layers, row] : rows_) {
    row.suspect = row.off_curve = row.bent = false;
    row.objection = row.spilled ? "spilled" : row.fault;
    if (row.failure) close_after_failure(layers, *row.failure, hung);
  }
  judge_curve();
  for (const auto& [layers, row] : rows_) {
    if (row.objection.empty() || row.starved || row.uncertain) continue;
    close_from(layers + 1, fmt::format("{} layers: {}", layers, row.objection));
  }
}

// From the fewest layers on. A count that lies on the curve again shows that what fell off it below
// was no cliff; two loads off it without one above them are.
void AdaptiveSweep::judge_curve() {
  std::vector<KnownCount> good;
  std::vector<int> off;
  std::size_t loads = 0;
  for (auto& [layers, row] : rows_) {
    if (row.spilled) loads += 1;
    if (!row.ms || !row.objection.empty() || row.starved) continue;
    const KnownCount known{layers, row.loads};
    if (layers > 0 && falls_off(shape_, good, known, rules_.tolerance)) {
      off.push_back(layers);
      loads += row.loads.size();
      continue;
    }
    good.push_back(known);
    off.clear();
    loads = 0;
  }
  std::vector<KnownCount> bad;
  bad.reserve(off.size());
  for (const int layers : off) bad.push_back({layers, rows_.at(layers).loads});
  const bool bends = !good.empty() && is_bend(good.back(), bad);
  for (const int layers : off) {
    Row& row = rows_.at(layers);
    row.bent = bends;
    if (bends) continue;
    (loads > 1 ? row.off_curve : row.suspect) = true;
    if (loads > 1) row.objection = "slower than fewer layers let expect";
  }
}

bool AdaptiveSweep::falls_off_now(int layers, const Row& row) const {
  std::vector<KnownCount> below;
  for (const auto& [count, known] : rows_) {
    if (count >= layers) break;
    if (known.ms && known.objection.empty() && !known.suspect)
      below.push_back({count, known.loads});
  }
  return row.ms && falls_off(shape_, below, {layers, row.loads}, rules_.tolerance);
}

std::vector<std::pair<int, std::string>> AdaptiveSweep::off_the_curve() const {
  std::vector<std::pair<int, std::string>> all;
  for (const auto& [layers, row] : rows_) {
    if (row.off_curve) {
      all.emplace_back(layers,
                       "spilled, by its speed: slower than fewer layers let expect, seen twice");
    }
  }
  return all;
}

void AdaptiveSweep::tell(const SweepStep& step, const Trial& trial) {
  const int layers = trial.layers;
  Row row = row_from(trial);
  row.told_at = ++told_;
  const auto known = rows_.find(layers);
  const bool is_new = known == rows_.end();
  // Asked before the row is known, or it would speak for itself.
  row.limit_ms = is_new ? curve_limit_ms(layers) : known->second.limit_ms;
  if (!is_new) row.times_anew = known->second.times_anew + (step.anew ? 1 : 0);
  row.confirmed = step.loads_anew || (!is_new && known->second.confirmed);
  const bool repeats = again_ == layers;
  const bool same_load = last_told_ == layers && !step.loads_anew;
  again_.reset();
  last_told_ = layers;
  last_was_quiet_ = trial.conclusive() && trial.disturbances.empty();
  if (step.anew && !is_sounder(row, known->second)) {
    ++known->second.times_anew;
    return;
  }
  if (!is_new && !step.anew && known->second.ms && row.ms) {
    const bool was_off = known->second.suspect || known->second.off_curve;
    const bool clears = was_off && !falls_off_now(layers, row);
    row.loads = loads_with(known->second, *row.ms, repeats, same_load, clears);
    row.ms = together(row.loads);
    if (step.extent != Extent::full) row.extent = known->second.extent;
  }
  const bool off_curve = row.ms && row.limit_ms && row.ms->value > *row.limit_ms;
  const bool is_explained = row.starved || row.uncertain;
  if (is_new && !is_explained && (off_curve || falls_off_now(layers, row))) again_ = layers;
  row.fault = fault_of(trial, off_curve && !again_);
  if (step.for_diminishing) ++asked_diminishing_;
  rows_[layers] = std::move(row);
  judge();
  // What others confirm already needs no second look.
  if (rows_.at(layers).off_curve) again_.reset();
}

// With what was measured of the row before. Whoever disturbs only ever slows down: of one load the
// faster measurement counts, and a load that lies on the curve clears one that did not.
std::vector<Estimate> AdaptiveSweep::loads_with(const Row& known, const Estimate& fresh,
                                                bool repeats, bool same_load, bool clears) {
  std::vector<Estimate> loads = known.loads;
  if (clears) return {fresh};
  if (!same_load) {
    loads.push_back(fresh);
  } else if (!repeats || fresh.value < loads.back().value) {
    loads.back() = fresh;
  }
  return loads;
}

// Between the CPU alone and the least count that was measured on a device nobody knows where the
// step from the one to the other lies: an interval there holds the straight way between them, too.
Estimate AdaptiveSweep::with_way_in(int layers, Estimate predicted) const {
  const auto usable = [](const auto& row) {
    return row.second.ms && row.second.objection.empty() && !row.second.suspect;
  };
  const auto cpu = std::find_if(rows_.begin(), rows_.end(), usable);
  if (cpu == rows_.end() || cpu->first != 0) return predicted;
  const auto least = std::find_if(std::next(cpu), rows_.end(), usable);
  if (least == rows_.end() || layers >= least->first) return predicted;
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
    point.generation_ms = with_way_in(asked.layers, view.model->predict(candidate));
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
                "the gain of another layer falls below {:g} % somewhere between {} and {} layers",
                kWorthwhileGain * 100, first, last);
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
