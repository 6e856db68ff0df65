#include "compare/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sweetspot::compare {
namespace {

// Of a 95 % interval, as a standard deviation of the logarithm.
double log_deviation(const Estimate& estimate) {
  constexpr double kNormal95 = 1.96;
  if (estimate.low <= 0) return 1;
  return std::log(estimate.high / estimate.low) / (2 * kNormal95);
}

void add_pair(std::vector<SpeedPair>& pairs, SpeedPair pair, double noticeable) {
  if (is_uncertain(pair.a) || is_uncertain(pair.b)) return;
  pair.ratio = ratio_of(pair.a, pair.b);
  pair.finding = finding_of(pair.ratio, noticeable);
  pairs.push_back(std::move(pair));
}

void add_speeds(std::vector<SpeedPair>& pairs, const std::string& what, const Trial& a,
                const Trial& b, double noticeable) {
  const auto add = [&](Measure measure, const std::optional<Speed>& of_a,
                       const std::optional<Speed>& of_b) {
    if (!of_a || !of_b) return;
    add_pair(pairs,
             {what,
              measure,
              a.layers,
              b.layers,
              of_a->tokens_per_second,
              of_b->tokens_per_second,
              {},
              Finding::open},
             noticeable);
  };
  if (a.failure || b.failure) return;
  add(Measure::generation, a.generation, b.generation);
  add(Measure::prompt, a.prompt, b.prompt);
}

bool has_trial(const Run& run, const Trial& trial) {
  return std::any_of(run.profiles.begin(), run.profiles.end(), [&](const Profile& profile) {
    return run.result(profile.result_index) == &trial;
  });
}

// The last of that config: repetitions come later and know more.
const Trial* same_in(const Run& run, const Trial& trial) {
  const auto found =
      std::find_if(run.results.rbegin(), run.results.rend(), [&](const Trial& other) {
        return other.config == trial.config && other.workload == trial.workload && !other.failure;
      });
  return found == run.results.rend() ? nullptr : &*found;
}

void compare_profiles(const Run& a, const Run& b, double noticeable, Comparison& comparison) {
  for (const Profile& profile : a.profiles) {
    const auto other = std::find_if(b.profiles.begin(), b.profiles.end(),
                                    [&](const Profile& each) { return each.name == profile.name; });
    if (other == b.profiles.end()) continue;
    const Trial* of_a = a.result(profile.result_index);
    const Trial* of_b = b.result(other->result_index);
    if (of_a == nullptr || of_b == nullptr) continue;
    add_speeds(comparison.profiles, profile.name, *of_a, *of_b, noticeable);
    if (of_a->config == of_b->config && profile.vram_bytes && other->vram_bytes) {
      comparison.memory.push_back({profile.name, *profile.vram_bytes, *other->vram_bytes});
    }
  }
}

const DeviceNeed* need_on(const SavedProfile& profile, const std::string& device) {
  if (!profile.needs) return nullptr;
  const auto found = std::find_if(profile.needs->begin(), profile.needs->end(),
                                  [&](const DeviceNeed& need) { return need.device == device; });
  return found == profile.needs->end() ? nullptr : &*found;
}

void add_memory(std::vector<MemoryPair>& pairs, const SavedProfile& a, const SavedProfile& b) {
  if (a.needs && b.needs) {
    for (const DeviceNeed& need : *a.needs) {
      const DeviceNeed* const other = need_on(b, need.device);
      pairs.push_back({fmt::format("{} on {}", a.name, need.device), need.bytes,
                       other == nullptr ? 0 : other->bytes});
    }
    for (const DeviceNeed& need : *b.needs) {
      if (need_on(a, need.device) != nullptr) continue;
      pairs.push_back({fmt::format("{} on {}", a.name, need.device), 0, need.bytes});
    }
  }
  if (a.host_bytes && b.host_bytes) {
    pairs.push_back({fmt::format("{} on the host", a.name), *a.host_bytes, *b.host_bytes});
  }
}

}  // namespace

Estimate ratio_of(const Estimate& a, const Estimate& b) {
  constexpr double kNormal95 = 1.96;
  const double deviation =
      std::sqrt(log_deviation(a) * log_deviation(a) + log_deviation(b) * log_deviation(b) +
                2 * kBetweenLoads * kBetweenLoads);
  const double ratio = b.value / a.value;
  const double reach = std::exp(kNormal95 * deviation);
  return {ratio, ratio / reach, ratio * reach};
}

Finding finding_of(const Estimate& ratio, double noticeable) {
  if (ratio.low > 1) return Finding::faster;
  if (ratio.high < 1) return Finding::slower;
  const bool within = ratio.low > 1 - noticeable && ratio.high < 1 + noticeable;
  return within ? Finding::equal : Finding::open;
}

Comparison compare(const Run& a, const Run& b, double noticeable) {
  Comparison comparison;
  comparison.same_model = a.model.fingerprint == b.model.fingerprint;
  comparison.differences = differences(a, b);
  compare_profiles(a, b, noticeable, comparison);
  for (const Trial& trial : a.results) {
    if (has_trial(a, trial) || same_in(a, trial) != &trial) continue;
    if (const Trial* other = same_in(b, trial)) {
      add_speeds(comparison.configs, name_of(trial), trial, *other, noticeable);
    }
  }
  return comparison;
}

bool takes_more(const MemoryPair& pair) {
  return static_cast<double>(pair.b_bytes) > static_cast<double>(pair.a_bytes) * (1 + kSameMemory);
}

Comparison compare(const ProfileSet& a, const ProfileSet& b, std::string_view profile,
                   double noticeable) {
  Comparison comparison;
  comparison.same_model = a.model.same_model(b.model);
  comparison.differences = differences(a, b);
  const SavedProfile* const of_a = a.find(profile);
  const SavedProfile* const of_b = b.find(profile);
  if (of_a == nullptr || of_b == nullptr) return comparison;
  const auto add = [&](Measure measure, const Reading<Estimate>& speed_a,
                       const Reading<Estimate>& speed_b) {
    if (!speed_a || !speed_b) return;
    add_pair(comparison.profiles,
             {std::string(profile),
              measure,
              of_a->config.placement.n_gpu_layers,
              of_b->config.placement.n_gpu_layers,
              *speed_a,
              *speed_b,
              {},
              Finding::open},
             noticeable);
  };
  add(Measure::generation, of_a->tokens_per_second, of_b->tokens_per_second);
  add(Measure::prompt, of_a->prompt_tokens_per_second, of_b->prompt_tokens_per_second);
  add_memory(comparison.memory, *of_a, *of_b);
  return comparison;
}

void take_ratio(Comparison& comparison, SpeedPair in_turn, double noticeable) {
  in_turn.finding = finding_of(in_turn.ratio, noticeable);
  const auto of_loads =
      std::find_if(comparison.profiles.begin(), comparison.profiles.end(),
                   [&](const SpeedPair& pair) { return pair.measure == in_turn.measure; });
  if (of_loads == comparison.profiles.end()) {
    comparison.profiles.push_back(std::move(in_turn));
    return;
  }
  of_loads->ratio = in_turn.ratio;
  of_loads->finding = in_turn.finding;
}

double certain_loss(const Comparison& comparison) {
  double most = 0;
  for (const std::vector<SpeedPair>* pairs : {&comparison.profiles, &comparison.configs}) {
    for (const SpeedPair& pair : *pairs) most = std::max(most, 1 - pair.ratio.high);
  }
  return most;
}

}  // namespace sweetspot::compare
