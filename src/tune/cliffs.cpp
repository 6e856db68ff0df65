#include "tune/cliffs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "core/no_device.hpp"
#include "search/cliff.hpp"
#include "tune/cost_model.hpp"

namespace sweetspot::tune {
namespace {

// Of one request, milliseconds.
Estimate time_of(const Arm& arm, const Rules& rules) {
  const Estimate none{0, 0, 0};
  const Estimate& generation = arm.generation_ms ? *arm.generation_ms : none;
  const Estimate& prompt = arm.prompt_ms ? *arm.prompt_ms : none;
  const double value = weigh({generation.value, prompt.value}, rules);
  const double half =
      1.96 * std::hypot(tokens_of(Pass::generation, rules) * search::sd_of(generation),
                        tokens_of(Pass::prompt, rules) * search::sd_of(prompt));
  return {value, std::max(0.0, value - half), value + half};
}

// With 0 layers beside a device the weights are loaded otherwise than without one: that is no step
// on the way. What others slowed down says nothing of the device.
bool says_nothing(const Arm& arm) {
  const Placement& placement = arm.config.placement;
  const bool beside = placement.n_gpu_layers == 0 && !uses_no_device(placement);
  const bool slowed = arm.disturbed && !arm.spilled && arm.objection == arm.slowed_by;
  return !arm.cost || beside || arm.uncertain || slowed;
}

struct Known {
  const Arm* arm = nullptr;
  DeviceParts parts;
  search::KnownSpeed speed;
  bool is_sure = false;  ///< faster than all that have less: it may tell what more should take
};

// Ascending by what lies on the device: each comes behind all that have a part of it.
std::vector<Known> in_order(const std::vector<Arm>& arms, const PlacementShape& shape,
                            const Rules& rules) {
  std::vector<Known> all;
  for (const Arm& arm : arms) {
    if (says_nothing(arm)) continue;
    const Placement& placement = arm.config.placement;
    all.push_back({&arm,
                   shape.on_device(placement),
                   {shape.features(placement), !uses_no_device(placement), {time_of(arm, rules)}}});
  }
  std::stable_sort(all.begin(), all.end(), [](const Known& a, const Known& b) {
    return a.parts.count() < b.parts.count();
  });
  return all;
}

std::vector<search::KnownSpeed> below(const Known& one, const std::vector<Known>& good) {
  std::vector<search::KnownSpeed> all;
  for (const Known& other : good) {
    const bool comparable = other.arm->config.context == one.arm->config.context;
    if (comparable && other.is_sure && one.parts.has_more_than(other.parts)) {
      all.push_back(other.speed);
    }
  }
  return all;
}

// Than what has a part of it, and than all of its context that takes less memory: few whole layers
// may be faster than the CPU alone and lie beyond a cliff all the same. Where there is nothing to
// be held against it is not known to be good, either.
bool is_faster_than_all(const Known& one, const std::vector<search::KnownSpeed>& less,
                        const std::vector<Known>& all) {
  const double ms = one.speed.ms().value;
  const bool beats_parts = std::all_of(less.begin(), less.end(),
                                       [&](const auto& other) { return ms < other.ms().value; });
  const auto bytes = [](const Known& known) { return known.arm->vram_bytes.value_or(0); };
  const bool beats_smaller = std::none_of(all.begin(), all.end(), [&](const Known& other) {
    return other.arm->config.context == one.arm->config.context && bytes(other) < bytes(one) &&
           other.speed.ms().value < ms;
  });
  return !less.empty() && beats_parts && beats_smaller;
}

bool has_device(const std::vector<search::KnownSpeed>& speeds) {
  return std::any_of(speeds.begin(), speeds.end(), [](const auto& one) { return one.on_device; });
}

}  // namespace

Cliffs::Cliffs(const std::vector<Arm>& arms, const PlacementShape& shape, const Rules& rules)
    : shape_(&shape) {
  const auto prior = [&shape](double scale_ms) { return shape.prior(scale_ms); };
  std::vector<Known> all = in_order(arms, shape, rules);
  std::vector<Known> good;
  for (Known& one : all) {
    const auto less = below(one, good);
    Measured now{one.parts, one.speed.ms().value,
                 static_cast<double>(one.arm->vram_bytes.value_or(0)), one.arm->spilled};
    if (one.arm->spilled || search::falls_off(prior, less, one.speed, rules.tolerance)) {
      off_.push_back(now);
      continue;
    }
    if (has_device(less)) clear_below(one.parts);
    now.is_sure = one.is_sure = !one.speed.on_device || is_faster_than_all(one, less, all);
    if (one.speed.on_device) good_.push_back(now);
    good.push_back(one);
  }
  confirm();
  doubt();
}

void Cliffs::clear_below(const DeviceParts& parts) {
  std::erase_if(
      off_, [&](const Measured& one) { return !one.is_sure && parts.has_more_than(one.parts); });
}

// Two that fell off, of which one has a part of the other.
void Cliffs::confirm() {
  for (Measured& one : off_) {
    one.is_sure =
        one.is_sure || std::any_of(off_.begin(), off_.end(), [&](const Measured& other) {
          return one.parts.has_more_than(other.parts) || other.parts.has_more_than(one.parts);
        });
  }
}

// A cliff is one of memory: where one is, what takes more than all that is surely good may lie
// beyond it.
void Cliffs::doubt() {
  if (off_.empty()) return;
  double most_bytes = 0;
  for (const Measured& one : good_) {
    if (one.is_sure) most_bytes = std::max(most_bytes, one.vram_bytes);
  }
  for (const Measured& one : good_) {
    if (!one.is_sure && one.vram_bytes > most_bytes) doubtful_.push_back(one.parts);
  }
}

// Between the first that fell off of those that have it all, or a part of it, and the last good one
// in front of that; nothing where `parts` lies in front of the gap.
std::optional<Cliffs::Gap> Cliffs::gap_around(const DeviceParts& parts) const {
  const Measured* bad = nullptr;
  for (const Measured& one : off_) {
    const bool comparable =
        one.parts == parts || one.parts.has_more_than(parts) || parts.has_more_than(one.parts);
    if (!comparable) continue;
    if (bad == nullptr || one.parts.count() < bad->parts.count()) bad = &one;
  }
  if (bad == nullptr) return std::nullopt;
  const Measured* most = nullptr;
  for (const Measured& one : good_) {
    if (!one.is_sure || !bad->parts.has_more_than(one.parts)) continue;
    if (most == nullptr || one.parts.count() > most->parts.count()) most = &one;
  }
  if (most == nullptr || !parts.has_more_than(most->parts)) return std::nullopt;
  return Gap{most->parts, bad->parts};
}

bool Cliffs::is_off(const Placement& placement) const {
  const DeviceParts parts = shape_->on_device(placement);
  return std::find(doubtful_.begin(), doubtful_.end(), parts) != doubtful_.end() ||
         std::any_of(off_.begin(), off_.end(),
                     [&](const Measured& one) { return one.parts == parts; });
}

bool Cliffs::is_closed(const Placement& placement, const Reading<std::uint64_t>& vram_bytes) const {
  const DeviceParts parts = shape_->on_device(placement);
  const auto bytes = static_cast<double>(vram_bytes.value_or(0));
  return std::any_of(off_.begin(), off_.end(), [&](const Measured& one) {
    if (!one.is_sure) return false;
    const bool as_full = one.vram_bytes > 0 && bytes >= one.vram_bytes;
    return as_full || parts == one.parts || parts.has_more_than(one.parts);
  });
}

bool Cliffs::is_in_gap(const Placement& placement) const {
  const DeviceParts parts = shape_->on_device(placement);
  const auto gap = gap_around(parts);
  return gap && parts.has_more_than(gap->good) && gap->bad.has_more_than(parts);
}

std::size_t Cliffs::halved(std::size_t asked, const std::vector<Config>& points,
                           const std::vector<std::size_t>& open) const {
  const auto gap = gap_around(shape_->on_device(points[asked].placement));
  if (!gap) return asked;
  const int middle = gap->good.count() + gap->bad.count();  // twice
  std::optional<std::size_t> nearest;
  int least = 0;
  for (const std::size_t k : open) {
    const DeviceParts now = shape_->on_device(points[k].placement);
    if (!now.has_more_than(gap->good) || !gap->bad.has_more_than(now)) continue;
    const int apart = std::abs(2 * now.count() - middle);
    if (nearest && apart >= least) continue;
    least = apart;
    nearest = k;
  }
  return nearest.value_or(asked);
}

std::vector<Arm> Cliffs::learnt_from(const std::vector<Arm>& arms) const {
  std::vector<Arm> all;
  std::copy_if(arms.begin(), arms.end(), std::back_inserter(all),
               [this](const Arm& arm) { return !is_off(arm.config.placement); });
  return all;
}

}  // namespace sweetspot::tune
