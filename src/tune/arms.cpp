#include "tune/arms.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tune/few_samples.hpp"
#include "tune/request_cost.hpp"

namespace sweetspot::tune {
namespace {

// Of configs that cannot be told apart in cost one must save this share of the device memory that
// the other takes to be preferred for it: half a percent of a card buys nothing, and what cannot be
// told apart may still be a percent slower.
constexpr double kWorthSaving = 0.05;

// How much of the tolerance two costs may be apart and still tie: intervals are those of one load,
// so that configs up to 2 % apart overlap, and each tie that was none costs its difference.
constexpr double kTieShare = 0.25;

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

bool saves_memory(const Arm& a, const Arm& b) {
  return static_cast<double>(a.vram_bytes.value_or(0)) <
         (1 - kWorthSaving) * static_cast<double>(b.vram_bytes.value_or(0));
}

// Of two that tie.
bool is_preferred(const Arm& a, const Arm& b, const Config& baseline) {
  if (saves_memory(a, b)) return true;
  if (saves_memory(b, a)) return false;
  // Of placements of about equal memory the cheaper: neither is simpler than the other.
  if (a.config.placement != b.config.placement) return a.cost->value < b.cost->value;
  return changes_between(a.config, baseline) < changes_between(b.config, baseline);
}

}  // namespace

bool is_better(const Arm& a, const Arm& b) {
  if (!a.may_win()) return false;
  return !b.may_win() || is_cheaper(a, b);
}

bool is_cheaper(const Arm& a, const Arm& b) {
  if (!a.cost || !b.cost) return false;
  // Of independent errors the squares add up: intervals may overlap a little and still differ.
  return b.cost->value - a.cost->value >
         std::hypot(a.cost->high - a.cost->value, b.cost->value - b.cost->low);
}

bool Arms::stands_against(const Trial& trial) const {
  const Arm* known = find(trial.config);
  const bool spoiled = !trial.disturbances.empty() || trial.uncertain();
  return spoiled && known != nullptr && known->may_win() && !known->disturbed;
}

Arm& Arms::tell(const Trial& measured, std::size_t index, Objective objective,
                const TuneConstraints& constraints, Again again) {
  const Trial trial = believed(measured);
  const bool stands = stands_against(trial);
  auto found = at(trial.config);
  if (found == arms_.end()) found = arms_.insert(arms_.end(), Arm{trial.config});
  Arm& arm = *found;
  if (stands) return arm;
  // The trial that proves it in full stands for it.
  if (!arm.proved) arm.index = index;
  arm.proved = arm.proved || (trial.measured() && trial.extent == Extent::full);
  arm.vram_bytes = trial.vram_used_bytes;
  arm.vram_percent = trial.vram_percent;
  arm.memory = trial.memory;
  const Reading<Estimate> cost = cost_of(trial, objective);
  arm.why_no_cost = cost ? std::string() : cost.reason();
  ++arm.times;
  if (cost) arm.least_cost = std::min(cost->value, arm.least_cost.value_or(cost->value));
  const bool keeps = again == Again::faster && arm.cost && cost && !arm.uncertain &&
                     arm.cost->value <= cost->value;
  if (!keeps) {
    arm.cost = cost ? std::optional<Estimate>(*cost) : std::nullopt;
    if (trial.measured()) {
      arm.generation_ms = trial.generation->ms_per_token;
      if (trial.prompt) arm.prompt_ms = trial.prompt->ms_per_token;
    }
  }
  arm.disturbed = !trial.disturbances.empty();
  arm.uncertain = measured.uncertain() || (cost && is_uncertain(*cost));
  arm.slowed_by = arm.disturbed ? label_of(trial, trial.disturbances.front()) : std::string();
  arm.own_objection = why_outside(trial, constraints);
  arm.spilled = trial.is(Disturbance::spilled);
  if (arm.spilled) arm.own_objection = to_string(Disturbance::spilled);
  if (arm.uncertain && arm.own_objection.empty()) arm.own_objection = kTooUncertain;
  if (trial.full_depth == FullDepth::failed) {
    arm.own_objection = "fails with its whole context in use";
  }
  weigh_disturbances(objective);
  return arm;
}

// A machine that is always busy, or always held to its power, is what it is: its trials are
// compared with each other. One that was quiet for a while has trials that say more; but whoever
// disturbs only slows down, so what is cheaper than all of these although it was disturbed is
// cheaper. Of joules that is not so: a device that is held back may need fewer.
void Arms::weigh_disturbances(Objective objective) {
  std::optional<double> least_quiet;
  for (const Arm& arm : arms_) {
    if (!arm.cost || !arm.own_objection.empty() || arm.disturbed) continue;
    least_quiet = std::min(arm.cost->value, least_quiet.value_or(arm.cost->value));
  }
  for (Arm& arm : arms_) {
    arm.objection = arm.own_objection;
    if (!arm.objection.empty() || !least_quiet) continue;
    const bool cheaper =
        objective != Objective::energy && arm.cost && arm.cost->value < *least_quiet;
    if (!cheaper) arm.objection = arm.slowed_by;
  }
}

std::vector<Arm>::iterator Arms::at(const Config& config) {
  return std::find_if(arms_.begin(), arms_.end(),
                      [&](const Arm& arm) { return arm.config == config; });
}

void Arms::know_spilled(const Config& config, Objective objective) {
  const auto found = at(config);
  if (found == arms_.end() || found->spilled) return;
  found->spilled = found->disturbed = true;
  found->slowed_by = to_string(Disturbance::spilled);
  if (found->own_objection.empty()) found->own_objection = found->slowed_by;
  weigh_disturbances(objective);
}

const Arm* Arms::find(const Config& config) const {
  const auto found = std::find_if(arms_.begin(), arms_.end(),
                                  [&](const Arm& arm) { return arm.config == config; });
  return found == arms_.end() ? nullptr : &*found;
}

const Arm* Arms::cheapest() const {
  const Arm* cheapest = nullptr;
  for (const Arm& arm : arms_) {
    if (!arm.may_win()) continue;
    if (cheapest == nullptr || arm.cost->value < cheapest->cost->value) cheapest = &arm;
  }
  return cheapest;
}

const Arm* Arms::best(const Config& baseline, double tolerance) const {
  const Arm* cheapest = this->cheapest();
  if (cheapest == nullptr) return nullptr;
  const Arm* chosen = cheapest;
  for (const Arm& arm : arms_) {
    if (!arm.may_win() || is_better(*cheapest, arm)) continue;
    if (arm.cost->value > cheapest->cost->value * (1 + kTieShare * tolerance)) continue;
    if (is_preferred(arm, *chosen, baseline)) chosen = &arm;
  }
  return chosen;
}

std::vector<FrontPoint> Arms::front() const {
  std::vector<FrontPoint> points;
  for (const Arm& arm : arms_) {
    if (!arm.may_win()) continue;
    const bool beaten = std::any_of(arms_.begin(), arms_.end(), [&](const Arm& other) {
      if (!other.may_win()) return false;
      const auto a = std::pair(other.cost->value, other.vram_bytes.value_or(0));
      const auto b = std::pair(arm.cost->value, arm.vram_bytes.value_or(0));
      return a != b && a.first <= b.first && a.second <= b.second;
    });
    if (!beaten) points.push_back({arm.index});
  }
  return points;
}

}  // namespace sweetspot::tune
