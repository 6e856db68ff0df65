#include "profiles/derive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/no_device.hpp"
#include "profiles/decided.hpp"
#include "profiles/ranking.hpp"
#include "profiles/recommendable.hpp"

namespace sweetspot::profiles {
namespace {

/// A band as a rule and as words.
struct Shelf {
  const char* name;
  const char* recommended_for;
  Band band;
  bool includes_high;

  [[nodiscard]] bool holds(double percent) const {
    if (percent < band.low_percent) return false;
    return includes_high ? percent <= band.high_percent : percent < band.high_percent;
  }
  [[nodiscard]] std::string words() const {
    if (band.low_percent <= 0) return fmt::format("less than {:g} %", band.high_percent);
    return fmt::format("{:g}-{:g} %", band.low_percent, band.high_percent);
  }
};

std::array<Shelf, 3> shelves(const Bands& bands) {
  return {{
      {"fast",
       "small cards, and computers that need the GPU for other work at the same time",
       {0, bands.fast_percent},
       false},
      {"balanced",
       "everyday use on cards with 4 to 8 GB",
       {bands.fast_percent, bands.balanced_percent},
       false},
      {"performance",
       "cards with 6 GB or more that the model may have nearly to itself",
       {bands.balanced_percent, bands.performance_percent},
       true},
  }};
}

std::string layers_in_words(const Trial& trial, int offloadable) {
  if (is_cpu_alone(trial)) return kCpuAloneTitle;
  const int layers = trial.layers;
  if (layers == 0) return "0 layers";
  if (layers == offloadable) return fmt::format("all {} layers", layers);
  return fmt::format("{} layer{}", layers, layers == 1 ? "" : "s");
}

/// The measured trials, and of them the ones that may be recommended.
class Candidates {
 public:
  Candidates(const std::vector<Trial>& trials, int offloadable)
      : trials_(trials), objections_(objections(trials)), offloadable_(offloadable) {}

  [[nodiscard]] const std::vector<Trial>& trials() const { return trials_; }

  /// Why a trial must not be recommended; empty where it may.
  [[nodiscard]] const std::string& objection(std::size_t index) const { return objections_[index]; }

  template <typename Wanted>
  [[nodiscard]] std::vector<std::size_t> where(Wanted wanted) const {
    std::vector<std::size_t> found;
    for (std::size_t index = 0; index < trials_.size(); ++index) {
      if (trials_[index].measured() && wanted(trials_[index])) found.push_back(index);
    }
    return found;
  }

  [[nodiscard]] std::vector<std::size_t> without_objection(std::vector<std::size_t> found) const {
    std::erase_if(found, [&](std::size_t index) { return !objection(index).empty(); });
    return found;
  }

  [[nodiscard]] std::string words(std::size_t index) const {
    const Trial& trial = trials_[index];
    std::string layers = layers_in_words(trial, offloadable_);
    if (!trial.vram_percent) return layers;
    return fmt::format("{} at {:.1f} %", layers, *trial.vram_percent);
  }

 private:
  const std::vector<Trial>& trials_;
  std::vector<std::string> objections_;
  int offloadable_;
};

// A disturbed speed may be recommended, but never without saying so.
std::string caution(const Trial& trial) {
  if (trial.is(Disturbance::throttled)) return "; measured while the device was throttled";
  if (trial.shares(Contended::processor)) return "; measured while others used the processor";
  if (trial.is(Disturbance::contended)) return "; measured while others used the device";
  return {};
}

void take_settings(Profile& profile, std::size_t index, const Trial& trial) {
  const auto& asked = trial.config.context;
  profile.result_index = index;
  profile.n_gpu_layers = trial.layers;
  profile.n_ctx = trial.effective ? trial.effective->n_ctx : asked.n_ctx;
  profile.n_batch = trial.effective ? trial.effective->n_batch : asked.n_batch;
  profile.vram_bytes = trial.vram_used_bytes;
  profile.vram_percent = trial.vram_percent;
  const auto speed = [](const std::optional<Speed>& measured, const char* why) -> Reading<double> {
    if (!measured) return Absence{why};
    return measured->tokens_per_second.value;
  };
  profile.tokens_per_second = speed(trial.generation, "the model only reads");
  profile.prompt_tokens_per_second = speed(trial.prompt, "prompts were not measured");
  profile.recommended_for += caution(trial);
}

void leave_empty(Profile& profile, std::string reason) {
  profile.vram_bytes = Absence{reason};
  profile.vram_percent = Absence{reason};
  profile.tokens_per_second = profile.prompt_tokens_per_second = Absence{reason};
  profile.reason = std::move(reason);
}

/// "24 layers at 55.0 % failed with the whole context in use; 26 layers at ...".
std::string all_objections(const Candidates& candidates, const std::vector<std::size_t>& found) {
  std::string text;
  for (const std::size_t index : found) {
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", candidates.words(index),
                        candidates.objection(index));
  }
  return text;
}

/// Of the measured trials outside the band, the closest below and above it.
std::string nearest(const Candidates& candidates, const Band& band) {
  const auto& trials = candidates.trials();
  std::optional<std::size_t> below;
  std::optional<std::size_t> above;
  for (const std::size_t index :
       candidates.where([](const Trial& trial) { return trial.vram_percent.has_value(); })) {
    const double percent = *trials[index].vram_percent;
    if (percent < band.low_percent) {
      if (!below || percent > *trials[*below].vram_percent) below = index;
    } else if (!above || percent < *trials[*above].vram_percent) {
      above = index;
    }
  }
  if (below && above) {
    return fmt::format("the nearest are {} and {}", candidates.words(*below),
                       candidates.words(*above));
  }
  return fmt::format("the nearest is {}", candidates.words(below ? *below : *above));
}

std::string why_empty(const Candidates& candidates, const Shelf& shelf) {
  const auto measured = candidates.where([](const Trial&) { return true; });
  if (measured.empty()) return "nothing could be measured";
  const auto known =
      candidates.where([](const Trial& trial) { return trial.vram_percent.has_value(); });
  if (known.empty()) {
    return fmt::format("the share of device memory in use is not known: {}",
                       candidates.trials()[measured.front()].vram_percent.reason());
  }
  const auto inside = candidates.where(
      [&](const Trial& trial) { return trial.vram_percent && shelf.holds(*trial.vram_percent); });
  if (!inside.empty()) {
    return fmt::format("no configuration that uses {} of the memory can be recommended: {}",
                       shelf.words(), all_objections(candidates, inside));
  }
  return fmt::format("no measured configuration uses {} of the memory: {}", shelf.words(),
                     nearest(candidates, shelf.band));
}

Profile on_shelf(const Candidates& candidates, const Shelf& shelf,
                 const std::vector<Decision>& decided) {
  Profile profile;
  profile.name = shelf.name;
  profile.recommended_for = shelf.recommended_for;
  const auto inside = candidates.without_objection(candidates.where(
      [&](const Trial& trial) { return trial.vram_percent && shelf.holds(*trial.vram_percent); }));
  const auto ranking = rank_as_decided(candidates.trials(), inside, decided, shelf.name);
  if (!ranking) {
    leave_empty(profile, why_empty(candidates, shelf));
    return profile;
  }
  take_settings(profile, ranking->chosen, candidates.trials()[ranking->chosen]);
  if (is_cpu_alone(candidates.trials()[ranking->chosen])) {
    profile.recommended_for += fmt::format(
        "; on this machine the CPU alone is the fastest that uses {} of the memory", shelf.words());
  }
  return profile;
}

// Memory that makes nothing faster: whoever takes such a profile by name is told.
void name_dominated(const std::vector<Trial>& trials, std::vector<Profile>& profiles) {
  for (Profile& profile : profiles) {
    if (!profile.result_index) continue;
    const Trial& own = trials[*profile.result_index];
    const Profile* better = nullptr;
    for (const Profile& other : profiles) {
      if (!other.result_index || !takes_less(trials[*other.result_index], own)) continue;
      const double speed = speed_of(trials[*other.result_index]).value;
      if (speed <= speed_of(own).value) continue;
      if (better == nullptr || speed > speed_of(trials[*better->result_index]).value) {
        better = &other;
      }
    }
    if (better != nullptr) {
      profile.recommended_for +=
          fmt::format("; slower than {}, which takes less memory", better->name);
    }
  }
}

Profile cpu_fallback(const Candidates& candidates) {
  Profile profile;
  profile.name = "cpu_fallback";
  profile.recommended_for = kForCpuFallback;
  const auto on_cpu = candidates.where(is_cpu_alone);
  const auto ranking = rank(candidates.trials(), candidates.without_objection(on_cpu));
  if (ranking) {
    take_settings(profile, ranking->chosen, candidates.trials()[ranking->chosen]);
  } else if (!on_cpu.empty()) {
    leave_empty(profile, all_objections(candidates, on_cpu));
  } else {
    const auto& trials = candidates.trials();
    const bool failed = std::any_of(trials.begin(), trials.end(), is_cpu_alone);
    leave_empty(profile,
                failed ? "the CPU alone could not be measured" : "0 layers were not asked for");
  }
  return profile;
}

}  // namespace

std::vector<Profile> derive(const std::vector<Trial>& trials, const Bands& bands,
                            int offloadable_layers, const std::vector<Decision>& decided) {
  const Candidates candidates(trials, offloadable_layers);
  std::vector<Profile> profiles;
  for (const Shelf& shelf : shelves(bands)) {
    profiles.push_back(on_shelf(candidates, shelf, decided));
  }
  profiles.push_back(cpu_fallback(candidates));
  name_dominated(trials, profiles);
  return profiles;
}

}  // namespace sweetspot::profiles
