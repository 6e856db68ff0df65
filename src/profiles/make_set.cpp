#include "profiles/make_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/no_device.hpp"
#include "core/offload_targets.hpp"
#include "profiles/derive.hpp"
#include "profiles/ranking.hpp"
#include "profiles/recommendable.hpp"

namespace sweetspot::profiles {
namespace {

constexpr const char* kCpuFallback = "cpu_fallback";

/// A trial that becomes a profile.
struct Pick {
  std::string name;
  std::string recommended_for;
  std::size_t trial = 0;  // into Run::results
};

// What an application loads: numbers that llama.cpp chose or rounded are those it chose here.
Config settled_config(const Trial& trial) {
  Config config = trial.config;
  config.placement.n_gpu_layers = trial.layers;
  if (!trial.effective) return config;
  const EffectiveConfig& effective = *trial.effective;
  ContextSettings& context = config.context;
  const auto settle = [](auto& setting, auto used) {
    if (used > 0) setting = used;
  };
  settle(context.n_ctx, effective.n_ctx);
  settle(context.n_batch, effective.n_batch);
  settle(context.n_ubatch, effective.n_ubatch);
  settle(context.n_threads, effective.n_threads);
  settle(context.n_threads_batch, effective.n_threads_batch);
  if (effective.flash_attn) {
    context.flash_attn =
        from_string<FlashAttention>(*effective.flash_attn).value_or(context.flash_attn);
  }
  return config;
}

// ---- which trials

class Picker {
 public:
  explicit Picker(const Run& run) : run_(run), objections_(objections(run.results)) {}

  std::vector<Pick> pick() {
    take_the_four();
    take_the_tuned();
    take_the_cpu();
    take_the_front();
    const auto& trials = run_.results;
    std::stable_sort(picks_.begin(), picks_.end(), [&](const Pick& a, const Pick& b) {
      const bool a_last = a.name == kCpuFallback;
      const bool b_last = b.name == kCpuFallback;
      if (a_last != b_last) return b_last;
      return speed_of(trials[a.trial]).value > speed_of(trials[b.trial]).value;
    });
    return std::move(picks_);
  }

  /// A set needs at least one profile whose speed is known.
  [[nodiscard]] bool knows_a_speed(const std::vector<Pick>& picks) const {
    return std::any_of(picks.begin(), picks.end(),
                       [this](const Pick& pick) { return !run_.results[pick.trial].uncertain(); });
  }

  [[nodiscard]] std::string why_none() const {
    for (std::size_t i = 0; i < run_.results.size(); ++i) {
      if (!run_.results[i].measured()) continue;
      const Trial& trial = run_.results[i];
      const std::string what = uses_no_device(trial.config.placement)
                                   ? std::string(kCpuAloneTitle)
                                   : fmt::format("{} layers", trial.layers);
      return fmt::format("nothing that was measured may be recommended: {} {}", what,
                         objections_[i]);
    }
    return "nothing was measured";
  }

 private:
  [[nodiscard]] bool may_be_recommended(std::size_t trial) const {
    return trial < objections_.size() && objections_[trial].empty();
  }

  void take_the_four() {
    for (const Profile& profile : run_.profiles) {
      if (!profile.result_index || !may_be_recommended(*profile.result_index)) continue;
      picks_.push_back({profile.name, profile.recommended_for, *profile.result_index});
    }
  }

  void take_the_tuned() {
    if (!run_.tune || !run_.tune->winner || !may_be_recommended(*run_.tune->winner)) return;
    picks_.push_back({"tuned",
                      fmt::format("the workload {}: the best of all settings that were tried",
                                  run_.tune->workload),
                      *run_.tune->winner});
  }

  // The last rung of every ladder: here it is enough that it was measured and did not fail. Where
  // nobody can tell how fast it is it still stands below what can be told.
  void take_the_cpu() {
    if (named(kCpuFallback)) return;
    std::vector<std::size_t> on_cpu;
    for (std::size_t i = 0; i < run_.results.size(); ++i) {
      const Trial& trial = run_.results[i];
      if (trial.measured() && uses_no_device(trial.config.placement) &&
          trial.full_depth != FullDepth::failed) {
        on_cpu.push_back(i);
      }
    }
    std::vector<std::size_t> certain = on_cpu;
    std::erase_if(certain, [this](std::size_t i) { return run_.results[i].uncertain(); });
    if (const auto ranking = rank(run_.results, certain.empty() ? on_cpu : certain)) {
      picks_.push_back({kCpuFallback, kForCpuFallback, ranking->chosen});
    }
  }

  void take_the_front() {
    std::vector<std::size_t> candidates;
    for (std::size_t i = 0; i < run_.results.size(); ++i) {
      const bool alone = uses_no_device(run_.results[i].config.placement);
      if (may_be_recommended(i) && !alone) candidates.push_back(i);
    }
    for (const std::size_t index : candidates) {
      if (is_beaten(index, candidates) || has_config_of(index)) continue;
      picks_.push_back({free_name(run_.results[index].layers),
                        "moments when the faster profiles do not fit", index});
    }
  }

  // Whether another trial takes no more and is faster, or as fast as can be told.
  [[nodiscard]] bool is_beaten(std::size_t index, std::vector<std::size_t> candidates) const {
    const auto& trials = run_.results;
    const Pick* cpu = named(kCpuFallback);
    if (cpu != nullptr && !trials[cpu->trial].uncertain()) {
      const Estimate& speed = speed_of(trials[cpu->trial]);
      const Estimate& ours = speed_of(trials[index]);
      if (speed.value >= ours.value || is_tie(speed, ours)) return true;
    }
    std::erase_if(candidates,
                  [&](std::size_t other) { return takes_less(trials[index], trials[other]); });
    return rank(trials, candidates)->chosen != index;
  }

  [[nodiscard]] const Pick* named(const std::string& name) const {
    const auto found = std::find_if(picks_.begin(), picks_.end(),
                                    [&](const Pick& pick) { return pick.name == name; });
    return found == picks_.end() ? nullptr : &*found;
  }

  // A config measured twice, as in the finals of a tune, is one profile.
  [[nodiscard]] bool has_config_of(std::size_t index) const {
    const Config config = settled_config(run_.results[index]);
    return std::any_of(picks_.begin(), picks_.end(), [&](const Pick& pick) {
      return settled_config(run_.results[pick.trial]) == config;
    });
  }

  [[nodiscard]] std::string free_name(int layers) const {
    std::string name = fmt::format("layers-{}", layers);
    for (int number = 2; named(name) != nullptr; ++number) {
      name = fmt::format("layers-{}-{}", layers, number);
    }
    return name;
  }

  const Run& run_;
  std::vector<std::string> objections_;
  std::vector<Pick> picks_;
};

// ---- what they need

std::vector<SetDevice> devices_of(const Run& run) {
  std::vector<SetDevice> devices;
  for (const DeviceReport& report : targets_of(run.devices, run.base_config.placement.devices)) {
    devices.push_back(set_device(report));
  }
  return devices;
}

// What the driver saw beyond the buffers, for each of `devices`; rounded up.
std::uint64_t seen_beyond(const Trial& trial, std::uint64_t buffers, std::uint64_t devices) {
  const std::uint64_t rise = trial.driver_rise_bytes.value_or(0);
  return rise <= buffers ? 0 : (rise - buffers + devices - 1) / devices;
}

Reading<std::vector<DeviceNeed>> needs_of(const Trial& trial, const std::vector<SetDevice>& devices,
                                          std::uint64_t driver_share_bytes) {
  std::vector<DeviceNeed> needs;
  if (uses_no_device(trial.config.placement)) return needs;
  if (trial.memory.empty()) {
    // With one device the driver's figure is the whole need.
    if (devices.size() == 1 && trial.vram_used_bytes) {
      return std::vector<DeviceNeed>{{devices.front().id, *trial.vram_used_bytes}};
    }
    return Absence{"llama.cpp did not tell what it allocates"};
  }
  std::uint64_t buffers = 0;
  for (const SetDevice& device : devices) {
    const DeviceMemory* memory = find_device(trial.memory, device.id);
    if (memory == nullptr || memory->total_bytes() == 0) continue;
    needs.push_back({device.id, memory->total_bytes()});
    buffers += memory->total_bytes();
  }
  const std::uint64_t beyond =
      needs.empty() ? 0 : std::max(driver_share_bytes, seen_beyond(trial, buffers, needs.size()));
  for (DeviceNeed& need : needs) need.bytes += beyond;
  return needs;
}

Reading<std::uint64_t> host_bytes_of(const Trial& trial) {
  if (trial.memory.empty()) return Absence{"llama.cpp did not tell what it allocates"};
  const DeviceMemory* host = find_device(trial.memory, kHostDeviceId);
  return host == nullptr ? std::uint64_t{0} : host->private_bytes();
}

Reading<std::uint64_t> host_mapped_bytes_of(const Trial& trial) {
  if (trial.memory.empty()) return Absence{"llama.cpp did not tell what it allocates"};
  const DeviceMemory* host = find_device(trial.memory, kHostDeviceId);
  return host == nullptr ? std::uint64_t{0} : host->mapped_bytes;
}

// ---- what they rest on

std::string depth_in_words(const Trial& trial, std::uint32_t n_ctx) {
  switch (trial.full_depth) {
    case FullDepth::verified:
      return fmt::format("whole context of {} held", n_ctx);
    case FullDepth::failed:
      return fmt::format("failed with its whole context of {}", n_ctx);
    case FullDepth::not_tried:
      break;
  }
  return fmt::format("whole context of {} not tried{}{}", n_ctx,
                     trial.full_depth_note.empty() ? "" : ": ", trial.full_depth_note);
}

std::string evidence_of(const Trial& trial, std::uint32_t n_ctx) {
  const Estimate& speed = speed_of(trial);
  const std::uint32_t sequences = trial.workload.n_parallel;
  const std::string whose =
      sequences > 1 ? fmt::format(" of {} sequences together", sequences) : std::string();
  const std::string figure =
      trial.uncertain()
          ? fmt::format("too uncertain ({:.3g} to {:.3g} tok/s)", speed.low, speed.high)
          : fmt::format("{:.1f} tok/s ({:.1f} to {:.1f})", speed.value, speed.low, speed.high);
  std::string text = fmt::format("measured {}: {}{}, {}", trial.started_at, figure, whose,
                                 depth_in_words(trial, n_ctx));
  if (const auto inputs = trial.inputs_per_second(); inputs && !trial.uncertain()) {
    text += fmt::format(", {:.1f} inputs of {} tokens a second", inputs->value,
                        trial.workload.n_prompt);
  }
  for (const Disturbance disturbance : trial.disturbances) {
    text += ", " + label_of(trial, disturbance);
  }
  return text;
}

Reading<Estimate> if_certain(const Estimate& speed) {
  if (!is_uncertain(speed)) return speed;
  return Absence{fmt::format("too uncertain: {:.3g} to {:.3g} tok/s", speed.low, speed.high)};
}

SavedProfile saved(const Pick& pick, const Run& run, const std::vector<SetDevice>& devices,
                   std::uint64_t driver_share_bytes) {
  const Trial& trial = run.results[pick.trial];
  SavedProfile profile;
  profile.name = pick.name;
  profile.recommended_for = pick.recommended_for;
  profile.config = settled_config(trial);
  profile.needs = needs_of(trial, devices, driver_share_bytes);
  profile.host_bytes = host_bytes_of(trial);
  profile.host_mapped_bytes = host_mapped_bytes_of(trial);
  profile.checkpoint_bytes = run.checkpoint_bytes;
  profile.tokens_per_second = trial.generation ? if_certain(trial.generation->tokens_per_second)
                                               : Reading<Estimate>(Absence{"the model only reads"});
  profile.prompt_tokens_per_second = trial.prompt
                                         ? if_certain(trial.prompt->tokens_per_second)
                                         : Reading<Estimate>(Absence{"prompts were not measured"});
  // It was loaded, and its memory is known; its speed is not.
  if (trial.uncertain()) profile.origin = Origin::planned;
  profile.evidence = evidence_of(trial, profile.config.context.n_ctx);
  return profile;
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

SetDevice set_device(const DeviceReport& report) {
  const Absence no_driver{report.status ? "" : report.status.reason()};
  const DeviceStatus status = report.status.value_or([&] {
    DeviceStatus unknown;
    unknown.pci_bus_id = unknown.uuid = unknown.driver_version = no_driver;
    unknown.memory_total_bytes = unknown.memory_free_bytes = no_driver;
    unknown.power_limit_w = no_driver;
    return unknown;
  }());
  const auto either = [](const auto& first, const auto& second) { return first ? first : second; };
  const Device& device = report.device;
  return {device.id,
          device.description,
          device.backend,
          either(device.pci_bus_id, status.pci_bus_id),
          status.uuid,
          status.driver_version,
          either(status.memory_total_bytes, device.memory_total_bytes),
          either(status.memory_free_bytes, device.memory_free_bytes),
          status.power_limit_w};
}

std::string llama_cpp_of(const Engine& engine) {
  std::string build = engine.build();
  if (!engine.program_hash.empty()) build.append(", ").append(engine.program_hash);
  return build;
}

Fingerprint fingerprint_of(const ModelInfo& model, const Engine& engine, std::string tool_version,
                           const Machine& machine) {
  Fingerprint fingerprint;
  fingerprint.model = model.fingerprint;
  fingerprint.llama_cpp = llama_cpp_of(engine);
  fingerprint.tool = std::move(tool_version);
  fingerprint.cpu = machine.cpu;
  fingerprint.environment = machine.environment;
  std::sort(fingerprint.environment.begin(), fingerprint.environment.end());
  return fingerprint;
}

namespace {

ProfileSet without_profiles(const Run& run, const ModelKey& model) {
  ProfileSet set;
  set.created_at = run.finished_at.empty() ? run.started_at : run.finished_at;
  set.complete = run.settings.complete;
  set.model = model;
  set.model_name = run.model.name.value_or(file_name(run.model.path));
  set.fingerprint = fingerprint_of(run.model, run.engine, run.tool_version, run.machine);
  set.engine = run.engine.program;
  set.devices = devices_of(run);
  set.offloadable_layers = set.devices.empty() ? 0 : run.model.offloadable_layers();
  set.rpc = run.settings.rpc;
  set.workload = run.workload;
  set.objective = run.tune                   ? run.tune->objective
                  : run.workload.generates() ? Objective::generation
                                             : Objective::prompt;
  set.bands = run.settings.bands;
  return set;
}

}  // namespace

ProfileSet set_of_trial(const Run& run, std::size_t trial, std::string name, const ModelKey& model,
                        std::uint64_t driver_share_bytes) {
  ProfileSet set = without_profiles(run, model);
  set.profiles = {saved({std::move(name), {}, trial}, run, set.devices, driver_share_bytes)};
  return set;
}

Reading<ProfileSet> set_of_run(const Run& run, const ModelKey& model,
                               std::uint64_t driver_share_bytes) {
  if (run.tune && !run.tune->winner) return Absence{"the tune found no winner"};
  Picker picker(run);
  const std::vector<Pick> picks = picker.pick();
  if (!picker.knows_a_speed(picks)) return Absence{picker.why_none()};
  ProfileSet set = without_profiles(run, model);
  set.profiles.reserve(picks.size());
  for (const Pick& pick : picks) {
    set.profiles.push_back(saved(pick, run, set.devices, driver_share_bytes));
  }
  return set;
}

}  // namespace sweetspot::profiles
