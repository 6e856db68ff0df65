#include "profiles/spill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "profiles/ranking.hpp"

namespace sweetspot::profiles {
namespace {

/// Below this share of the CPU alone's speed a device reads prompts more slowly than the CPU.
constexpr double kSlowerThanCpu = 0.9;

/// Fewer layers, but at least one, and otherwise the same config: a trial of a tune may be slower
/// for its context, or for what of its layers lies on the CPU.
bool has_fewer_layers(const Trial& other, const Trial& trial) {
  if (other.layers < 1 || other.layers >= trial.layers) return false;
  Config config = other.config;
  config.placement.n_gpu_layers = trial.config.placement.n_gpu_layers;
  return config == trial.config;
}

/// The fastest measured trial with fewer layers than `trial`, but at least one.
const Trial* fastest_below(const std::vector<Trial>& trials, const Trial& trial) {
  const Trial* fastest = nullptr;
  for (const Trial& other : trials) {
    if (!other.conclusive() || !has_fewer_layers(other, trial)) continue;
    if (fastest == nullptr || speed_of(other).value > speed_of(*fastest).value) fastest = &other;
  }
  return fastest;
}

std::optional<double> prompt_speed(const Trial& trial) {
  if (!trial.conclusive() || !trial.workload.generates() || !trial.prompt) return std::nullopt;
  if (trial.shares(Contended::processor)) return std::nullopt;
  // One pass of a slow prompt may be all there was time for: it still reads all weights many times.
  return trial.prompt->tokens_per_second.value;
}

double fastest_prompt_of_cpu(const std::vector<Trial>& trials) {
  double fastest = 0;
  for (const Trial& trial : trials) {
    if (is_cpu_alone(trial)) fastest = std::max(fastest, prompt_speed(trial).value_or(0));
  }
  return fastest;
}

/// Of the trials with fewer layers, but at least one, the one that reads prompts fastest.
const Trial* fastest_prompt_below(const std::vector<Trial>& trials, const Trial& trial) {
  const Trial* fastest = nullptr;
  for (const Trial& other : trials) {
    if (!prompt_speed(other) || !has_fewer_layers(other, trial)) continue;
    if (fastest == nullptr || *prompt_speed(other) > *prompt_speed(*fastest)) fastest = &other;
  }
  return fastest;
}

std::string with_layers(const Trial& trial) {
  return fmt::format("than with {} layer{}", trial.layers, trial.layers == 1 ? "" : "s");
}

std::string why_by_prompts(const std::vector<Trial>& trials, const Trial& trial) {
  const std::optional<double> own = prompt_speed(trial);
  if (!own) return {};
  const Trial* const below = fastest_prompt_below(trials, trial);
  if (below == nullptr || *prompt_speed(*below) <= kSpillPromptRatio * *own) return {};
  if (*prompt_speed(*below) < kSlowerThanCpu * fastest_prompt_of_cpu(trials)) return {};
  return fmt::format("spilled: reads prompts {:.1f} times slower {}", *prompt_speed(*below) / *own,
                     with_layers(*below));
}

std::string why_by_generation(const std::vector<Trial>& trials, const Trial& trial) {
  const Trial* const below = fastest_below(trials, trial);
  if (below == nullptr) return {};
  const double ratio = speed_of(*below).value / speed_of(trial).value;
  if (ratio <= kSpillSpeedRatio) return {};
  return fmt::format("spilled: {:.1f} times slower {}", ratio, with_layers(*below));
}

/// Whether the device had anything to move to system memory. One that has run out of memory with
/// more layers was nearly full with these, whatever its driver says of the whole.
bool may_spill(const std::vector<Trial>& trials, const Trial& trial) {
  if (!trial.vram_percent || *trial.vram_percent >= kSpillFromPercent) return true;
  return std::any_of(trials.begin(), trials.end(), [&](const Trial& other) {
    return other.layers > trial.layers && other.failure &&
           other.failure->failure_class == FailureClass::out_of_device_memory;
  });
}

}  // namespace

std::vector<Spill> find_spills(const std::vector<Trial>& trials) {
  std::vector<Spill> spills;
  for (std::size_t index = 0; index < trials.size(); ++index) {
    const Trial& trial = trials[index];
    // A trial that waited for a processor, or whose speed is too uncertain, says nothing about
    // memory.
    if (!trial.conclusive() || trial.shares(Contended::processor)) continue;
    if (!may_spill(trials, trial)) continue;
    std::string note = why_by_generation(trials, trial);
    if (note.empty()) note = why_by_prompts(trials, trial);
    if (!note.empty()) spills.push_back({index, std::move(note)});
  }
  return spills;
}

std::vector<bool> spilled(const std::vector<Trial>& trials) {
  std::vector<bool> all;
  all.reserve(trials.size());
  for (const Trial& trial : trials) all.push_back(trial.is(Disturbance::spilled));
  for (const Spill& spill : find_spills(trials)) all[spill.index] = true;
  return all;
}

}  // namespace sweetspot::profiles
