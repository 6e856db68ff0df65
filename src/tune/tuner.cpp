#include "tune/tuner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/no_device.hpp"
#include "tune/next_config.hpp"
#include "tune/request_cost.hpp"
#include "tune/titles.hpp"

namespace sweetspot::tune {
namespace {

// Share of a token's reads that the CPU must do before how its weights were loaded can matter.
constexpr double kShareForLoadMode = 0.2;

// So much more may a config cost than the cheapest for changes of a context to be tried on it,
// where that saves a load: for what they are worth in general, and for what they are worth on the
// best.
constexpr double kAlmostAsCheap = 1.5;
constexpr double kAsCheap = 1.02;

Config fitted_of(const std::vector<Option>& options) {
  if (options.empty()) return {};
  return options[fitted_option(options, options.front().config.context)].config;
}

// Where the walk began outside the constraints the cost alone decides: it finds out what changes
// are worth, nothing of it may win.
bool wins_walk(const Arm& tried, const Arm& held) {
  return held.may_win() ? is_better(tried, held) : is_cheaper(tried, held);
}

}  // namespace

Tuner::Tuner(std::vector<Option> options, const ModelInfo& model, const Rules& rules)
    : rules_(rules),
      memory_(std::move(options), PlacementShape(model).offloadable(),
              rules.constraints.max_vram_percent, !rules.several_devices),
      shape_(model),
      baseline_(fitted_of(memory_.options())),
      finals_(baseline_, rules),
      stage_(memory_.options().empty() ? Stage::done : Stage::baseline) {}

// ---- what to do

std::optional<Step> Tuner::ask(bool hurry) {
  while (stage_ != Stage::done) {
    if (hurry && stage_ != Stage::baseline) {
      cut_short_ = cut_short_ || stage_ < Stage::finals;
      stage_ = Stage::finals;
      finals_.hurry();
    }
    if (auto step = ask_anew()) return step;
    if (auto step = ask_stage()) return step;
    stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
  }
  return std::nullopt;
}

// What all others are held against, once nothing disturbs any more. In the finals it is measured
// again anyway.
std::optional<Step> Tuner::ask_anew() const {
  constexpr int kMostTimes = 3;
  if (!last_was_quiet_ || again_ || stage_ >= Stage::finals) return std::nullopt;
  for (const Arm& arm : arms_.all()) {
    const bool is_cpu =
        arm.config.placement.n_gpu_layers == 0 && arm.config.context == baseline_.context;
    const bool spoiled = arm.cost && (arm.disturbed || arm.uncertain);
    if (!spoiled || arm.times >= kMostTimes || !(is_cpu || arm.config == baseline_)) continue;
    return Step{arm.config, placement_title(arm.config.placement) + ", anew",
                "others are held against it, and it was spoiled from outside"};
  }
  return std::nullopt;
}

std::optional<Step> Tuner::ask_stage() {
  if (again_ && stage_ != Stage::finals) return again_;
  switch (stage_) {
    case Stage::baseline:
      return ask_baseline();
    case Stage::placement:
      return ask_placement();
    case Stage::context:
      return ask_context();
    case Stage::search:
      return ask_search();
    case Stage::threads:
      return ask_threads();
    case Stage::search_again:
      return walked_again_ ? ask_search() : std::nullopt;
    case Stage::load_mode:
      return ask_load_mode();
    case Stage::finals:
      return finals_.ask(arms_, last_told_);
    case Stage::done:
      break;
  }
  return std::nullopt;
}

std::optional<Step> Tuner::ask_baseline() const {
  if (arms_.find(baseline_) != nullptr) return std::nullopt;
  return Step{baseline_, placement_title(baseline_.placement) + ", llama.cpp's defaults",
              "the baseline: what llama.cpp does when nobody tunes it"};
}

// What lost on another walk is not asked again; what won there is, where the search has come to a
// context without it. The pieces of the prompt are another question on another placement. `later`:
// knobs that are left to another walk.
void Tuner::start_walk(const Config& start, std::vector<std::string> later) {
  KnobLimits limits = rules_.knobs;
  std::move(later.begin(), later.end(), std::back_inserter(limits.fixed));
  limits.on_cpu = shape_.cpu_share(start.placement) > 0 || !start.context.kv_offload;
  limits.on_device = start.placement.n_gpu_layers > 0;
  limits.n_prompt = rules_.n_prompt();
  const ContextSettings& base = baseline_.context;
  if (walk_ && start.placement == walk_->best().placement) {
    limits.fixed.emplace_back("n_ubatch");
  }
  const auto lost = [&](auto differs) {
    const auto& arms = arms_.all();
    return walk_ && !differs(walk_->best().context) && !differs(start.context) &&
           std::any_of(arms.begin(), arms.end(),
                       [&](const Arm& arm) { return arm.cost && differs(arm.config.context); });
  };
  if (lost([&](const ContextSettings& one) { return one.flash_attn != base.flash_attn; })) {
    limits.fixed.emplace_back("flash_attn");
  }
  if (lost([&](const ContextSettings& one) { return one.kv_offload != base.kv_offload; })) {
    limits.fixed.emplace_back("kv_offload");
  }
  if (lost([&](const ContextSettings& one) { return one.n_batch < base.n_batch; })) {
    limits.fixed.emplace_back("n_batch");
  }
  if (lost([&](const ContextSettings& one) { return one.type_k != base.type_k; })) {
    limits.fixed.emplace_back("type_k");
  }
  walk_.emplace(start, limits);
}

// Defaults that take more than is allowed are loaded all the same: what takes no more than they do
// may be tried there.
bool Tuner::may_be_walked_to(const Config& config) const {
  if (memory_.may_be_tried(config)) return true;
  if (config.placement != baseline_.placement) return false;
  const auto need = memory_.of(config);
  const auto baseline = memory_.of(baseline_);
  return need && baseline && need->why_not.empty() && need->vram_bytes && baseline->vram_bytes &&
         *need->vram_bytes <= *baseline->vram_bytes;
}

std::optional<Step> Tuner::ask_walk() {
  if (!walk_) return std::nullopt;
  while (const auto variation = walk_->ask()) {
    const Arm* tried = arms_.find(variation->config);
    if (tried == nullptr && may_be_walked_to(variation->config)) {
      return Step{variation->config, variation->title, variation->reason};
    }
    const Arm* held = arms_.find(walk_->best());
    walk_->tell(tried != nullptr && held != nullptr && wins_walk(*tried, *held));
  }
  return std::nullopt;
}

// The CPU alone and one placement more: what matters most where there is little time.
std::optional<Step> Tuner::ask_placement() const {
  constexpr std::size_t kBaselineCpuAndOneMore = 3;
  if (arms_.all().size() >= kBaselineCpuAndOneMore) return std::nullopt;
  return ask_search();
}

// The cheapest: what ties with it and takes less memory is no better a place to go on from. What is
// loaded needs no load, and what a change does there it does nearby, too: it is taken where it
// costs no more than `at_most` times as much and a device has as much of a part in it. Where every
// context costs a load there is no such difference.
const Arm* Tuner::where_to_walk(double at_most) const {
  const Arm* cheapest = arms_.cheapest();
  if (cheapest == nullptr) return nullptr;
  const Arm* start = cheapest;
  for (const Arm& arm : arms_.all()) {
    const bool as_good =
        arm.may_win() && arm.cost->value <= at_most * cheapest->cost->value &&
        uses_no_device(arm.config.placement) == uses_no_device(cheapest->config.placement);
    if (rules_.context_costs_a_load || !as_good || arm.config.placement != last_told_) continue;
    const bool is_loaded = start->config.placement == last_told_;
    if (!is_loaded || arm.cost->value < start->cost->value) start = &arm;
  }
  return start;
}

std::optional<Step> Tuner::ask_context() {
  if (!walk_) {
    const Arm* start = where_to_walk(kAlmostAsCheap);
    if (start == nullptr) start = arms_.find(baseline_);
    const bool says_little = start != nullptr && start->disturbed && !start->may_win();
    if (start == nullptr || !start->cost || says_little) return std::nullopt;
    start_walk(start->config, {"n_batch", "n_threads", "n_threads_batch", "type_k"});
  }
  return ask_walk();
}

// The cheapest that was measured where the walk was: a change that the walk did not take, because
// it may be chance, is still the best guess.
ContextSettings Tuner::knobs() const {
  if (!walk_) return baseline_.context;
  const Arm* held = arms_.find(walk_->best());
  for (const Arm& arm : arms_.all()) {
    const bool same = arm.config.placement == walk_->best().placement &&
                      arm.config.context.type_k == walk_->best().context.type_k;
    if (!same || !arm.cost || (arm.disturbed && !arm.may_win())) continue;
    if (held == nullptr || !held->cost || arm.cost->value < held->cost->value) held = &arm;
  }
  return held == nullptr ? walk_->best().context : held->config.context;
}

std::optional<Step> Tuner::ask_search() const { return next_config(view(), in_vain_); }

// How much the CPU has to do, and how large the pieces may be, is another question on another
// placement. It is loaded in the finals anyway.
std::optional<Step> Tuner::ask_threads() {
  const Arm* start = where_to_walk(kAsCheap);
  if (!walked_again_) {
    if (start == nullptr) return std::nullopt;
    walked_again_ = true;
    in_vain_ = kMostInVain / 2;
    start_walk(start->config, {});
  }
  return ask_walk();
}

// One load more: worth it only where the CPU reads a good part of the weights for every token.
std::optional<Step> Tuner::ask_load_mode() const {
  const Arm* now = best();
  if (now == nullptr || rules_.is_fixed("load_mode") || !rules_.may_read_all) return std::nullopt;
  if (now->config.placement.load_mode != LoadMode::automatic) return std::nullopt;
  if (shape_.cpu_share(now->config.placement) < kShareForLoadMode) return std::nullopt;
  Config read = now->config;
  read.placement.load_mode = LoadMode::none;
  if (arms_.find(read) != nullptr) return std::nullopt;
  return Step{read, placement_title(read.placement),
              "are weights that were read faster than weights of a mapped file"};
}

// ---- what came of it

// What is loaded can be measured again without a load: a placement off the curve of the others, a
// change of a context that costs far more than what it is held against.
bool Tuner::is_unexpected(const Trial& trial) const {
  return is_searching() && arms_.find(trial.config) == nullptr && is_off_the_curve(view(), trial);
}

void Tuner::tell(const Trial& trial, std::size_t index) {
  const bool unexpected = is_unexpected(trial);
  const Arm* const before_it = arms_.find(trial.config);
  const bool is_anew = stage_ != Stage::finals && before_it != nullptr &&
                       (before_it->disturbed || before_it->uncertain);
  const bool was_again = is_anew || (again_ && again_->config == trial.config);
  const bool stands = arms_.stands_against(trial);
  const std::optional<double> usual = before_it != nullptr ? before_it->least_cost : std::nullopt;
  const Reading<Estimate> cost = cost_of(trial, rules_.objective);
  const Arm* before = arms_.cheapest();
  const double least = before != nullptr ? before->cost->value : 0;
  // What a neighbour slowed down says nothing of the config (finals.hpp).
  const bool slow = stage_ == Stage::finals && cost && finals_.is_slow(cost->value, usual);
  const bool keeps_faster = was_again || is_searching() || slow;
  const Arm& arm = arms_.tell(trial, index, rules_.objective, rules_.constraints,
                              keeps_faster ? Again::faster : Again::last);
  memory_.learn(trial);
  last_told_ = trial.config.placement;
  last_was_quiet_ = trial.conclusive() && trial.disturbances.empty();
  again_.reset();
  if (stands) {
    if (stage_ == Stage::finals) finals_.tell_disturbed();
    // A repetition that says nothing is not repeated: what disturbs may stay for good.
    if (is_walking()) tell_walk(/*may_repeat=*/!was_again);
    return;
  }
  // What others confirm already needs no second look.
  if (unexpected && !cliffs().is_closed(trial.config.placement, trial.vram_used_bytes)) {
    again_ = Step{trial.config, placement_title(trial.config.placement) + ", again",
                  "far slower than was to be expected: was it a neighbour"};
  }
  if (is_walking()) tell_walk(/*may_repeat=*/true);
  if (is_searching() && !was_again) {
    const bool better = arm.may_win() && arm.cost->value < least * (1 - rules_.tolerance / 4);
    // What fell off the curve halved where the cliff is looked for: the model had no part in it.
    if (better)
      in_vain_ = 0;
    else if (!cliffs().is_off(trial.config.placement))
      ++in_vain_;
  }
  if (stage_ == Stage::finals) finals_.tell(trial, arm, index, usual);
}

void Tuner::know_spilled(const Config& config) {
  arms_.know_spilled(config, rules_.objective);
  finals_.know_spilled(config);
}

void Tuner::tell_turns(const std::optional<Turns>& turns) {
  const Arm* baseline = arms_.find(baseline_);
  finals_.tell_turns(turns, baseline != nullptr ? baseline->index : 0);
}

// Whether what the walk asked for won, once both sides of the comparison are believed: a loss by
// far is measured again, and so is what a change beats by far.
void Tuner::tell_walk(bool may_repeat) {
  const auto asked = walk_ ? walk_->ask() : std::nullopt;
  if (!asked) return;
  const Arm* tried = arms_.find(asked->config);
  const Arm* held = arms_.find(walk_->best());
  if (tried == nullptr) return;
  if (may_repeat && held != nullptr && tried->cost && held->cost) {
    const double ratio = tried->cost->value / held->cost->value;
    if (ratio > 1 + kSurprise && tried->times == 1) {
      again_ = Step{asked->config, asked->title + ", again", "was it the change, or a neighbour"};
      return;
    }
    if (ratio < 1 - kSurprise && held->times == 1) {
      again_ = Step{held->config, "before " + asked->title + ", again",
                    "was what it beats slowed down by a neighbour"};
      return;
    }
  }
  walk_->tell(held == nullptr || wins_walk(*tried, *held));
}

// Nothing was found in a search that had no time to find anything.
bool Tuner::is_undecided() const { return cut_short_ && finals_.rounds().empty(); }

std::string Tuner::verdict_for_defaults() const {
  const auto measured = std::count_if(arms_.all().begin(), arms_.all().end(),
                                      [](const Arm& arm) { return arm.cost.has_value(); });
  const std::string tried = fmt::format("{} configuration{}", measured, measured == 1 ? "" : "s");
  if (is_undecided()) {
    return fmt::format(
        "not decided: {} measured in the time allowed, too few to know whether another one is "
        "faster; llama.cpp's defaults stay until there is more time (--max-minutes)",
        tried);
  }
  if (!finals_.rounds().empty()) {
    return "llama.cpp's defaults are as good: no measurable difference to the best that was found, "
           "measured in turn";
  }
  return fmt::format("llama.cpp's defaults are best: of the {} measured none beats them", tried);
}

TuneRecord Tuner::record() const {
  TuneRecord record;
  record.objective = rules_.objective;
  record.constraints = rules_.constraints;
  record.rounds = finals_.rounds();
  record.speed_up = finals_.speed_up();
  const Arm* baseline = arms_.find(baseline_);
  if (baseline != nullptr) record.baseline = baseline->index;
  const Arm* winner = finals_.finalist() ? arms_.find(*finals_.finalist()) : best();
  // What turns compared needs no speed of its own.
  const bool may_stay = baseline != nullptr &&
                        (baseline->may_win() || (record.speed_up && baseline->is_only_uncertain()));
  const bool slower = record.speed_up
                          ? record.speed_up->low <= 1
                          : may_stay && winner != nullptr && !is_better(*winner, *baseline);
  if (slower && may_stay) winner = baseline;
  if (winner != nullptr) record.winner = winner->index;
  record.front = arms_.front();
  if (winner == nullptr) {
    record.verdict = "nothing could be measured within the constraints";
    if (baseline != nullptr) {
      const std::string& why =
          baseline->objection.empty() ? baseline->why_no_cost : baseline->objection;
      if (!why.empty()) record.verdict += "; of llama.cpp's defaults: " + why;
    }
  } else if (winner == baseline) {
    record.verdict = verdict_for_defaults();
    if (is_undecided()) record.winner.reset();
  } else if (record.speed_up) {
    record.verdict =
        fmt::format("{:.2f} times as fast as llama.cpp's defaults (95 %: {:.2f} to {:.2f})",
                    record.speed_up->value, record.speed_up->low, record.speed_up->high);
  } else if (baseline != nullptr && baseline->is_only_uncertain()) {
    record.verdict =
        "the best that was found; how much faster than llama.cpp's defaults is open: their speed "
        "is too uncertain";
  } else if (baseline != nullptr && baseline->cost && !baseline->may_win()) {
    // Of trials that lie apart in time: no interval, no promise.
    record.verdict = fmt::format(
        "the best that was found, about {:.2f} times as fast as llama.cpp's defaults, "
        "which must not be used: {}",
        baseline->cost->value / winner->cost->value, baseline->objection);
  } else if (baseline != nullptr && !baseline->cost) {
    record.verdict = "the best that was found; llama.cpp's defaults could not be measured";
  } else {
    record.verdict =
        "not decided: the best so far; it was not yet measured in turn with llama.cpp's defaults";
  }
  return record;
}

}  // namespace sweetspot::tune
