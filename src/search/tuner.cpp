#include "search/tuner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "search/least_time.hpp"
#include "search/request_cost.hpp"

namespace sweetspot::search {
namespace {

constexpr std::size_t kWorlds = 300;
constexpr std::uint64_t kSeed = 20261124;

// 97.5th percentile of Student's distribution with the 2 degrees of freedom of three rounds.
constexpr double kStudent3 = 4.303;

// Placements the time model looks at, per family; those between are as good as their neighbours.
constexpr int kPerFamily = 32;

// One change of a context that costs more than this is measured once more: it may have been a
// neighbour's doing, and asking again takes no load.
constexpr double kSurprise = 0.1;

// Where knowing every placement would gain less than this share on average, another load is not
// worth it: on a noisy machine the doubt alone would go through all of them.
constexpr double kWorthALoad = 0.01;

// Share of a token's reads that the CPU must do before how its weights were loaded can matter.
constexpr double kShareForLoadMode = 0.2;

// The spread of a ratio between two loads of the same pair that no interval of one trial shows.
constexpr double kBetweenRounds = 0.005;

bool overlap(const Estimate& a, const Estimate& b) { return a.low <= b.high && b.low <= a.high; }

std::string placement_title(const Placement& placement) {
  std::string title =
      fmt::format("{} layer{}", placement.n_gpu_layers, placement.n_gpu_layers == 1 ? "" : "s");
  if (placement.n_cpu_moe > 0) title += fmt::format(", {} experts on the CPU", placement.n_cpu_moe);
  if (placement.n_cpu_ffn > 0) {
    title += fmt::format(", {} feed-forwards on the CPU", placement.n_cpu_ffn);
  }
  if (placement.load_mode == LoadMode::none) title += ", not mapped";
  return title;
}

// What another context changes that takes memory.
std::string context_title(const ContextSettings& context, const ContextSettings& base) {
  std::string title;
  if (context.n_ubatch != base.n_ubatch) title += fmt::format(", n_ubatch {}", context.n_ubatch);
  if (context.kv_offload != base.kv_offload) title += ", cache in host memory";
  if (context.type_k != base.type_k) title += fmt::format(", {} cache", context.type_k);
  return title;
}

// How far a config is from another, in knobs that differ.
int changes_between(const Config& a, const Config& b) {
  const ContextSettings& x = a.context;
  const ContextSettings& y = b.context;
  int count = a.placement == b.placement ? 0 : 1;
  count += x.n_ubatch != y.n_ubatch ? 1 : 0;
  count += x.n_batch != y.n_batch ? 1 : 0;
  count += x.n_threads != y.n_threads ? 1 : 0;
  count += x.n_threads_batch != y.n_threads_batch ? 1 : 0;
  count += x.flash_attn != y.flash_attn ? 1 : 0;
  count += x.kv_offload != y.kv_offload ? 1 : 0;
  count += x.type_k != y.type_k || x.type_v != y.type_v ? 1 : 0;
  return count;
}

int family_of(const Placement& placement, int offloadable) {
  if (placement.n_cpu_moe == 0 && placement.n_cpu_ffn == 0) return 0;
  return placement.n_gpu_layers >= offloadable ? 1 : 2;
}

// Every k-th of each family, its first and last that fit, and `always`.
std::vector<std::size_t> thinned(const std::vector<TuneOption>& options,
                                 const std::vector<std::size_t>& all, int offloadable,
                                 std::size_t always) {
  std::vector<std::size_t> kept;
  for (int family = 0; family < static_cast<int>(kFamilies); ++family) {
    std::vector<std::size_t> members;
    for (const std::size_t i : all) {
      if (family_of(options[i].config.placement, offloadable) == family) members.push_back(i);
    }
    const std::size_t every = (members.size() + kPerFamily - 1) / kPerFamily;
    for (std::size_t k = 0; k < members.size(); ++k) {
      const bool fits = options[members[k]].why_not.empty();
      const auto fits_at = [&](std::size_t j) { return options[members[j]].why_not.empty(); };
      const bool edge =
          fits && (k == 0 || k + 1 == members.size() || !fits_at(k - 1) || !fits_at(k + 1));
      if (edge || members[k] == always || (fits && k % every == 0)) kept.push_back(members[k]);
    }
  }
  return kept;
}

}  // namespace

Tuner::Tuner(std::vector<TuneOption> options, const ModelInfo& model, const TuneRules& rules)
    : options_(std::move(options)), shape_(model), rules_(rules) {
  if (options_.empty()) {
    stage_ = Stage::done;
    return;
  }
  base_ = options_.front().config.context;
  const std::size_t fitted = fitted_option(options_, base_);
  baseline_ = options_[fitted].config;
  points_ = thinned(options_, base_options(), shape_.offloadable(), fitted);
}

// ---- what is known

std::vector<std::size_t> Tuner::base_options() const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < options_.size(); ++i) {
    if (options_[i].config.context == base_) found.push_back(i);
  }
  return found;
}

const Tuner::Arm* Tuner::find(const Config& config) const {
  const auto found = std::find_if(arms_.begin(), arms_.end(),
                                  [&](const Arm& arm) { return arm.config == config; });
  return found == arms_.end() ? nullptr : &*found;
}

// Threads and the batch's size change no memory worth knowing; what decides is what is compared.
const TuneOption* Tuner::option_of(const Config& config) const {
  const auto same = [&](const TuneOption& option) {
    const ContextSettings& known = option.config.context;
    const ContextSettings& asked = config.context;
    return option.config.placement == config.placement && known.n_ubatch == asked.n_ubatch &&
           known.kv_offload == asked.kv_offload && known.flash_attn == asked.flash_attn;
  };
  const auto found = std::find_if(options_.begin(), options_.end(), same);
  return found == options_.end() ? nullptr : &*found;
}

// What devices take beyond llama.cpp's buffers shows in what was measured; where something was
// measured in that very context, in that alone.
double Tuner::beyond_prediction(const ContextSettings& context) const {
  double beyond = 0;
  double beyond_there = 0;
  bool known_there = false;
  for (const Arm& arm : arms_) {
    const TuneOption* option = option_of(arm.config);
    if (option == nullptr || arm.config.placement.n_gpu_layers == 0) continue;
    if (!arm.vram_percent || !option->vram_percent) continue;
    const double more = *arm.vram_percent - *option->vram_percent;
    beyond = std::max(beyond, more);
    if (arm.config.context != context) continue;
    beyond_there = std::max(beyond_there, more);
    known_there = true;
  }
  return known_there ? beyond_there : beyond;
}

// What nobody asked about is tried: the trial itself will tell. Nothing is that takes as much as
// what ran out of memory.
bool Tuner::may_be_tried(const Config& config) const {
  const TuneOption* option = option_of(config);
  if (option == nullptr) return true;
  if (!option->why_not.empty()) return false;
  if (config.placement.n_gpu_layers == 0) return true;
  if (option->vram_bytes && *option->vram_bytes >= too_many_bytes_) return false;
  return option->vram_percent.value_or(0) + beyond_prediction(config.context) <=
         rules_.constraints.max_vram_percent;
}

bool Tuner::is_better(const Arm& a, const Arm& b) {
  if (!a.cost || !a.objection.empty()) return false;
  if (!b.cost || !b.objection.empty()) return true;
  return a.cost->value < b.cost->value && !overlap(*a.cost, *b.cost);
}

// The cheapest; of those that cannot be told from it the one with less memory, then the one with
// fewer changes.
const Tuner::Arm* Tuner::best() const {
  const Arm* cheapest = nullptr;
  for (const Arm& arm : arms_) {
    if (!arm.cost || !arm.objection.empty()) continue;
    if (cheapest == nullptr || arm.cost->value < cheapest->cost->value) cheapest = &arm;
  }
  if (cheapest == nullptr) return nullptr;
  const Arm* chosen = cheapest;
  for (const Arm& arm : arms_) {
    if (!arm.cost || !arm.objection.empty() || is_better(*cheapest, arm)) continue;
    if (arm.cost->value > cheapest->cost->value * (1 + rules_.tolerance / 2)) continue;
    const auto weight = [this](const Arm& one) {
      return std::pair(one.vram_bytes.value_or(0), changes_between(one.config, baseline_));
    };
    if (weight(arm) < weight(*chosen)) chosen = &arm;
  }
  return chosen;
}

// Possible costs of `points`, [world][point], from two time models: one of generated tokens and one
// of the prompt's.
Worlds Tuner::worlds_of(const std::vector<std::size_t>& points) const {
  std::vector<Features> features;
  features.reserve(points.size());
  for (const std::size_t i : points)
    features.push_back(shape_.features(options_[i].config.placement));
  Worlds sum;
  const auto add = [&](auto select, double tokens, std::uint64_t seed) {
    std::vector<Observation> seen;
    double scale = 0;
    LeastTime least;
    for (const Arm& arm : arms_) {
      const std::optional<Estimate>& ms = select(arm);
      if (!ms || arm.config.context != base_) continue;
      seen.push_back({shape_.features(arm.config.placement), ms->value, sd_of(*ms)});
      scale = std::max(scale, ms->value);
      if (seen.back().at.basis[4] > 0) least.cpu_ms = ms->value;
      if (seen.back().at.basis[5] > 0) least.all_ms = ms->value;
    }
    if (seen.empty() || tokens <= 0) return;
    const TimeModel model = TimeModel::fit(shape_.prior(scale), seen, features);
    Worlds drawn = model.draw(kWorlds, seed);
    const auto least_ms = [&](const Placement& placement) {
      return least.at(shape_.cpu_share(placement));
    };
    const bool holds = std::none_of(arms_.begin(), arms_.end(), [&](const Arm& arm) {
      const std::optional<Estimate>& ms = select(arm);
      return ms && arm.config.context == base_ && ms->high < least_ms(arm.config.placement);
    });
    for (std::size_t k = 0; holds && k < points.size(); ++k) {
      const double ms = least_ms(options_[points[k]].config.placement);
      for (auto& world : drawn) world[k] = std::max(world[k], ms);
    }
    if (sum.empty()) sum.assign(drawn.size(), std::vector<double>(points.size(), 0));
    sum.resize(std::min(sum.size(), drawn.size()));
    for (std::size_t w = 0; w < sum.size(); ++w) {
      for (std::size_t k = 0; k < points.size(); ++k) sum[w][k] += tokens * drawn[w][k];
    }
  };
  const bool generation = rules_.objective != Objective::prompt;
  const bool prompt = rules_.objective != Objective::generation;
  if (generation) {
    add(
        [](const Arm& arm) -> auto& { return arm.generation_ms; }, rules_.workload.n_gen, kSeed);
  }
  if (prompt) {
    add(
        [](const Arm& arm) -> auto& { return arm.prompt_ms; }, rules_.workload.n_prompt, kSeed + 1);
  }
  return sum;
}

// ---- what to do

std::optional<TuneStep> Tuner::ask(bool hurry) {
  while (true) {
    if (hurry && stage_ != Stage::baseline && stage_ != Stage::done) stage_ = Stage::finals;
    std::optional<TuneStep> next;
    switch (stage_) {
      case Stage::baseline:
        if (find(baseline_) == nullptr) {
          return TuneStep{baseline_,
                          placement_title(baseline_.placement) + ", llama.cpp's defaults",
                          "the baseline: what llama.cpp does when nobody tunes it"};
        }
        break;
      case Stage::placement:
        next = ask_placement();
        break;
      case Stage::context:
        next = ask_context();
        break;
      case Stage::trade:
        next = ask_trade();
        break;
      case Stage::load_mode:
        next = ask_load_mode();
        break;
      case Stage::finals:
        next = ask_final();
        break;
      case Stage::done:
        return std::nullopt;
    }
    if (next) return next;
    stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
  }
}

// Of each family the bytes on the device below which it is only slower: two placements with more
// were measured, and of them the one with less was slower by the tolerance. A noisy machine would
// otherwise be asked about every step of the slope.
std::array<std::uint64_t, kFamilies> Tuner::downhill_below() const {
  struct Measured {
    int family = 0;
    std::uint64_t bytes = 0;
    double cost = 0;
  };
  std::vector<Measured> measured;
  for (const Arm& arm : arms_) {
    const Placement& placement = arm.config.placement;
    if (!arm.cost || arm.config.context != base_ || placement.n_gpu_layers == 0) continue;
    const TuneOption* option = option_of(arm.config);
    if (option == nullptr) continue;
    measured.push_back({family_of(placement, shape_.offloadable()), option->vram_bytes.value_or(0),
                        arm.cost->value});
  }
  std::array<std::uint64_t, kFamilies> below{};
  for (const Measured& more : measured) {
    for (const Measured& less : measured) {
      const bool slope = more.family == less.family && more.bytes > less.bytes &&
                         less.cost > more.cost * (1 + rules_.tolerance);
      std::uint64_t& bytes = below[static_cast<std::size_t>(less.family)];
      if (slope) bytes = std::max(bytes, less.bytes);
    }
  }
  return below;
}

std::optional<TuneStep> Tuner::ask_placement() {
  // The CPU alone tells what every block costs there, and whether the device is worth it at all.
  for (const std::size_t i : points_) {
    const Config& config = options_[i].config;
    if (config.placement.n_gpu_layers == 0 && options_[i].why_not.empty() &&
        find(config) == nullptr) {
      return TuneStep{config, "the CPU alone",
                      "is the device worth it, and what does a block cost"};
    }
  }
  const auto below = downhill_below();
  const auto is_downhill = [&](const TuneOption& option) {
    const Placement& placement = option.config.placement;
    const auto family = static_cast<std::size_t>(family_of(placement, shape_.offloadable()));
    const std::uint64_t bytes = option.vram_bytes.value_or(0);
    return placement.n_gpu_layers > 0 && bytes > 0 && bytes < below[family];
  };
  Contest contest{"placement", {}, {}};
  for (std::size_t k = 0; k < points_.size(); ++k) {
    const Config& config = options_[points_[k]].config;
    const Arm* arm = find(config);
    if (arm != nullptr && arm->cost && arm->objection.empty()) {
      contest.measured.push_back(k);
    } else if (arm == nullptr && may_be_tried(config) && !is_downhill(options_[points_[k]])) {
      contest.open.push_back(k);
    }
  }
  if (contest.open.empty() || contest.measured.empty()) return std::nullopt;
  const Worlds worlds = worlds_of(points_);
  if (worlds.empty()) return std::nullopt;
  const Verdict verdict = judge(contest, worlds, points_.size(), rules_.tolerance);
  if (verdict.doubt <= 1 - rules_.confidence) return std::nullopt;
  // Of each world only the winner counts, so the sum is what knowing everything would gain.
  const double gain = std::accumulate(verdict.gain.begin(), verdict.gain.end(), 0.0);
  if (gain < kWorthALoad) return std::nullopt;
  const auto most = std::max_element(
      contest.open.begin(), contest.open.end(),
      [&](std::size_t a, std::size_t b) { return verdict.gain[a] < verdict.gain[b]; });
  const Config& config = options_[points_[*most]].config;
  return TuneStep{
      config, placement_title(config.placement),
      fmt::format("may be the best placement ({:.0f} % in doubt)", verdict.doubt * 100)};
}

bool Tuner::is_surprising(const Arm& arm) const {
  const Arm* held = walk_ ? find(walk_->best()) : nullptr;
  return arm.times == 1 && arm.cost && held != nullptr && held->cost &&
         arm.cost->value > held->cost->value * (1 + kSurprise);
}

std::optional<TuneStep> Tuner::ask_context() {
  if (!walk_) {
    const Arm* start = best();
    if (start == nullptr) return std::nullopt;
    KnobLimits limits = rules_.knobs;
    limits.on_cpu = shape_.cpu_share(start->config.placement) > 0;
    limits.on_device = start->config.placement.n_gpu_layers > 0;
    limits.n_prompt = rules_.objective == Objective::generation ? 0 : rules_.workload.n_prompt;
    walk_.emplace(start->config, limits);
  }
  while (const auto variation = walk_->ask()) {
    const Arm* tried = find(variation->config);
    if (tried != nullptr && is_surprising(*tried)) {
      return TuneStep{variation->config, variation->title + ", again",
                      "was it the change, or a neighbour"};
    }
    if (tried == nullptr && may_be_tried(variation->config)) {
      return TuneStep{variation->config, variation->title, variation->reason};
    }
    const Arm* held = find(walk_->best());
    walk_->tell(tried != nullptr && held != nullptr && is_better(*tried, *held));
  }
  return std::nullopt;
}

// Mean costs of options, as the time model has them.
std::vector<double> Tuner::predicted_costs(const std::vector<std::size_t>& options) const {
  const Worlds worlds = worlds_of(options);
  std::vector<double> costs(options.size(),
                            worlds.empty() ? std::numeric_limits<double>::infinity() : 0.0);
  for (const auto& world : worlds) {
    for (std::size_t k = 0; k < options.size(); ++k) {
      costs[k] += world[k] / static_cast<double>(worlds.size());
    }
  }
  return costs;
}

double Tuner::predicted_cost(const Placement& placement) const {
  for (const std::size_t i : base_options()) {
    if (options_[i].config.placement == placement) return predicted_costs({i}).front();
  }
  return std::numeric_limits<double>::infinity();
}

// Contexts that were measured on the walk's placement, and what they cost against the base context
// there; one with the cache in host memory is combined with each of the others.
std::vector<Tuner::Alternative> Tuner::alternatives() const {
  const Placement& reference = walk_->best().placement;
  const double at_base = predicted_cost(reference);
  std::vector<Alternative> found;
  for (const Arm& arm : arms_) {
    if (arm.config.placement != reference || !arm.cost || !arm.objection.empty()) continue;
    found.push_back({arm.config.context, arm.cost->value / at_base});
    // Halving the pieces once more is taken to cost as much again.
    if (arm.config.context.n_ubatch < base_.n_ubatch) {
      found.push_back({arm.config.context, std::pow(arm.cost->value / at_base, 2)});
      found.back().context.n_ubatch /= 2;
    }
  }
  const auto host = std::find_if(found.begin(), found.end(),
                                 [](const Alternative& one) { return !one.context.kv_offload; });
  if (host == found.end()) return found;
  const double on_host = host->ratio;
  for (std::size_t i = found.size(); i-- > 0;) {
    if (!found[i].context.kv_offload) continue;
    Alternative both = found[i];
    both.context.kv_offload = false;
    both.ratio *= on_host;
    found.push_back(both);
  }
  return found;
}

// A context that nobody asked the memory of is no ground for another placement; one that takes what
// was tried there already spends nothing new.
bool Tuner::is_new_trade(const Config& candidate) const {
  const TuneOption* option = option_of(candidate);
  return option != nullptr && std::none_of(arms_.begin(), arms_.end(), [&](const Arm& arm) {
           return option_of(arm.config) == option;
         });
}

// Other contexts take less memory: what they cost was seen on one placement, what the memory buys
// elsewhere the time model says.
std::optional<TuneStep> Tuner::ask_trade() {
  const Arm* now = best();
  if (now == nullptr || trades_ >= rules_.trades || !walk_) return std::nullopt;
  std::vector<std::size_t> placements = base_options();
  const std::vector<double> costs = predicted_costs(placements);
  std::optional<Config> chosen;
  double least = now->cost->value * (1 - kWorthALoad);
  for (const Alternative& alternative : alternatives()) {
    for (std::size_t k = 0; k < placements.size(); ++k) {
      const double cost = alternative.ratio * costs[k];
      if (cost >= least) continue;
      const Config candidate{options_[placements[k]].config.placement, alternative.context};
      if (!is_new_trade(candidate) || !may_be_tried(candidate)) continue;
      least = cost;
      chosen = candidate;
    }
  }
  if (!chosen) return std::nullopt;
  return TuneStep{*chosen,
                  placement_title(chosen->placement) + context_title(chosen->context, base_),
                  "spends on weights what another context saves"};
}

// One load more: worth it only where the CPU reads a good part of the weights for every token.
std::optional<TuneStep> Tuner::ask_load_mode() const {
  const Arm* now = best();
  const auto& fixed = rules_.knobs.fixed;
  const bool chosen = std::find(fixed.begin(), fixed.end(), "load_mode") != fixed.end();
  if (now == nullptr || chosen || !rules_.may_read_all) return std::nullopt;
  if (now->config.placement.load_mode != LoadMode::automatic) return std::nullopt;
  if (shape_.cpu_share(now->config.placement) < kShareForLoadMode) return std::nullopt;
  Config read = now->config;
  read.placement.load_mode = LoadMode::none;
  if (find(read) != nullptr) return std::nullopt;
  return TuneStep{read, placement_title(read.placement),
                  "are weights that were read faster than weights of a mapped file"};
}

// Winner and baseline in turn, beginning with the one that was measured last: its worker is loaded,
// and what drifts evenly over the rounds cancels.
std::optional<TuneStep> Tuner::ask_final() {
  if (!finalist_) {
    const Arm* winner = best();
    if (winner == nullptr || winner->config == baseline_) return std::nullopt;
    finalist_ = winner->config;
  }
  // Defaults that cannot run are nothing to be held against; the winner must still prove itself.
  if (const Arm* held = find(baseline_); held == nullptr || !held->cost) {
    if (find(*finalist_)->proved) return std::nullopt;
    TuneStep proof{*finalist_, "the winner, in full", "the defaults could not be measured"};
    proof.extent = Extent::full;
    return proof;
  }
  if (static_cast<int>(rounds_.size()) >= rules_.final_rounds) return std::nullopt;
  if (disturbed_finals_ > rules_.final_rounds) return std::nullopt;
  if (rounds_.size() >= 2) {
    const auto ratio = speed_up();
    if (ratio && (ratio->low > 1 || ratio->high < 1)) return std::nullopt;
  }
  const std::string number = fmt::format("final round {}", rounds_.size() + 1);
  const bool baseline_is_due =
      half_round_ ? half_round_->config != baseline_ : last_told_ == baseline_.placement;
  if (baseline_is_due) {
    return TuneStep{baseline_, number + ": the defaults", "winner and defaults in turn"};
  }
  TuneStep winner{*finalist_, number + ": the winner", "winner and defaults in turn"};
  // What is recommended has also held its whole context.
  if (const Arm* arm = find(*finalist_); arm != nullptr && !arm->proved)
    winner.extent = Extent::full;
  return winner;
}

// ---- what came of it

void Tuner::tell(const Trial& trial, std::size_t index) {
  auto found = std::find_if(arms_.begin(), arms_.end(),
                            [&](const Arm& arm) { return arm.config == trial.config; });
  if (found == arms_.end()) found = arms_.insert(arms_.end(), Arm{trial.config});
  Arm& arm = *found;
  if (!trial.disturbances.empty() && arm.cost && arm.objection.empty()) {
    // What was measured undisturbed stands.
    half_round_.reset();
    if (stage_ == Stage::finals) ++disturbed_finals_;
    last_told_ = trial.config.placement;
    return;
  }
  // The trial that proves it in full stands for it.
  if (!arm.proved) arm.index = index;
  arm.proved = arm.proved || (trial.measured() && trial.extent == Extent::full);
  arm.vram_bytes = trial.vram_used_bytes;
  arm.vram_percent = trial.vram_percent;
  if (trial.failure && trial.failure->failure_class == FailureClass::out_of_device_memory) {
    const TuneOption* option = option_of(trial.config);
    if (option != nullptr && option->vram_bytes) {
      too_many_bytes_ = std::min(too_many_bytes_, *option->vram_bytes);
    }
  }
  const Reading<Estimate> cost = cost_of(trial, rules_.objective);
  const bool again = stage_ == Stage::context && arm.times == 1 && arm.cost && cost;
  // Whoever disturbs only ever slows down.
  if (!again || cost->value < arm.cost->value) {
    arm.cost = cost ? std::optional<Estimate>(*cost) : std::nullopt;
  }
  arm.why_no_cost = cost ? std::string() : cost.reason();
  ++arm.times;
  if (trial.measured()) {
    arm.generation_ms = trial.generation->ms_per_token;
    if (trial.prompt) arm.prompt_ms = trial.prompt->ms_per_token;
  }
  arm.objection = why_outside(trial, rules_.constraints);
  if (!trial.disturbances.empty()) arm.objection = to_string(trial.disturbances.front());
  if (trial.full_depth == FullDepth::failed) arm.objection = "fails with its whole context in use";
  if (stage_ == Stage::context && walk_) {
    const auto asked = walk_->ask();
    const Arm* held = find(walk_->best());
    if (asked && asked->config == trial.config && !is_surprising(arm)) {
      walk_->tell(held == nullptr || is_better(arm, *held));
    }
  } else if (stage_ == Stage::trade) {
    ++trades_;
  } else if (stage_ == Stage::finals && finalist_) {
    tell_final(trial, arm, index);
  }
  last_told_ = trial.config.placement;
}

void Tuner::tell_final(const Trial& trial, const Arm& arm, std::size_t index) {
  const bool is_finalist = trial.config == *finalist_;
  if (!arm.cost || (is_finalist && !arm.objection.empty())) {
    half_round_.reset();
    if (!is_finalist) return;
    // It does not hold: the next best takes its place, and these rounds say nothing of that one.
    finalist_.reset();
    rounds_.clear();
    round_costs_.clear();
    return;
  }
  const HalfRound now{trial.config, *arm.cost, index};
  if (!half_round_) {
    half_round_ = now;
    return;
  }
  const HalfRound& baseline = is_finalist ? *half_round_ : now;
  const HalfRound& winner = is_finalist ? now : *half_round_;
  rounds_.push_back({baseline.index, winner.index, baseline.cost.value / winner.cost.value});
  round_costs_.push_back(baseline.cost);
  round_costs_.push_back(winner.cost);
  half_round_.reset();
}

// The geometric mean over the rounds, with the interval that the trials' own give or, from three
// rounds on, that of their agreement where it is narrower; never narrower than rounds of one pair
// differ.
std::optional<Estimate> Tuner::speed_up() const {
  if (rounds_.empty()) return std::nullopt;
  const auto n = static_cast<double>(rounds_.size());
  double mean = 0;
  double within = 0;
  for (std::size_t i = 0; i < rounds_.size(); ++i) {
    mean += std::log(rounds_[i].speed_up) / n;
    for (const Estimate& cost : {round_costs_[2 * i], round_costs_[2 * i + 1]}) {
      within += std::pow(sd_of(cost) / cost.value, 2) / (n * n);
    }
  }
  double between = 0;
  for (const TuneRound& round : rounds_) {
    between += std::pow(std::log(round.speed_up) - mean, 2) / std::max(1.0, n - 1) / n;
  }
  double half = 1.96 * std::sqrt(within);
  // A prompt measured a few times has a wide interval by convention; rounds that agree know better.
  if (rounds_.size() >= 3) half = std::min(half, kStudent3 * std::sqrt(between));
  half =
      std::hypot(std::max(half, 1.96 * std::sqrt(between)), 1.96 * kBetweenRounds / std::sqrt(n));
  return Estimate{std::exp(mean), std::exp(mean - half), std::exp(mean + half)};
}

TuneRecord Tuner::record() const {
  TuneRecord record;
  record.objective = rules_.objective;
  record.constraints = rules_.constraints;
  record.rounds = rounds_;
  record.speed_up = speed_up();
  const Arm* baseline = find(baseline_);
  if (baseline != nullptr) record.baseline = baseline->index;
  const Arm* winner = finalist_ ? find(*finalist_) : best();
  const bool may_stay = baseline != nullptr && baseline->cost && baseline->objection.empty();
  const bool slower = record.speed_up
                          ? record.speed_up->low <= 1
                          : may_stay && winner != nullptr && !is_better(*winner, *baseline);
  if (slower && may_stay) winner = baseline;
  if (winner != nullptr) record.winner = winner->index;
  for (const Arm& arm : arms_) {
    if (!arm.cost || !arm.objection.empty()) continue;
    const bool beaten = std::any_of(arms_.begin(), arms_.end(), [&](const Arm& other) {
      if (!other.cost || !other.objection.empty()) return false;
      const auto a = std::pair(other.cost->value, other.vram_bytes.value_or(0));
      const auto b = std::pair(arm.cost->value, arm.vram_bytes.value_or(0));
      return a != b && a.first <= b.first && a.second <= b.second;
    });
    if (!beaten) record.front.push_back({arm.index});
  }
  if (winner == nullptr) {
    record.verdict = "nothing could be measured within the constraints";
    if (baseline != nullptr) {
      const std::string& why =
          baseline->objection.empty() ? baseline->why_no_cost : baseline->objection;
      if (!why.empty()) record.verdict += "; of llama.cpp's defaults: " + why;
    }
  } else if (winner == baseline) {
    record.verdict = record.rounds.empty()
                         ? "llama.cpp's defaults are best: nothing that was tried beats them"
                         : "llama.cpp's defaults are as good: measured in turn with the best that "
                           "was found, the difference cannot be told from none";
  } else if (record.speed_up) {
    record.verdict =
        fmt::format("{:.2f} times as fast as llama.cpp's defaults (95 %: {:.2f} to {:.2f})",
                    record.speed_up->value, record.speed_up->low, record.speed_up->high);
    if (baseline != nullptr && !baseline->objection.empty()) {
      record.verdict += ", which must not be used: " + baseline->objection;
    }
  } else if (baseline != nullptr && !baseline->cost) {
    record.verdict = "the best that was found; llama.cpp's defaults could not be measured";
  } else {
    record.verdict = "the best so far; it was not yet measured in turn with llama.cpp's defaults";
  }
  return record;
}

}  // namespace sweetspot::search
