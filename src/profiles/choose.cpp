#include "profiles/choose.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "profiles/device_now.hpp"
#include "profiles/dominated.hpp"
#include "profiles/fit.hpp"
#include "profiles/needs.hpp"

namespace sweetspot::profiles {
namespace {

// The profile to begin with, or nothing where no profile has that name.
std::optional<std::size_t> first_candidate(const ProfileSet& set, const Requirements& wanted) {
  if (!wanted.by_name()) return 0;
  const SavedProfile* const named = set.find(wanted.profile);
  if (named == nullptr) return std::nullopt;
  return static_cast<std::size_t>(named - set.profiles.data());
}

std::string names_of(const ProfileSet& set) {
  std::vector<std::string> names;
  names.reserve(set.profiles.size());
  for (const SavedProfile& profile : set.profiles) names.push_back(profile.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// Fills `profile` and `passed`.
void walk_down(const Situation& situation, std::size_t first, Choice& choice) {
  const std::vector<SavedProfile>& profiles = situation.set->profiles;
  const bool named = situation.wanted->by_name();
  for (std::size_t i = first; i < profiles.size(); ++i) {
    // A user who asks for a small profile by name is not given a larger one.
    if (named && i != first && !shrinks(profiles[first], profiles[i])) continue;
    Rung rung = rung_of(situation, i);
    if (rung.fits) {
      choice.profile = i;
      return;
    }
    choice.passed.push_back(std::move(rung));
  }
}

std::optional<std::size_t> cpu_alone(const Situation& situation) {
  const std::vector<SavedProfile>& profiles = situation.set->profiles;
  for (std::size_t i = profiles.size(); i-- > 0;) {
    if (profiles[i].is_cpu_only() && serves(situation, profiles[i])) return i;
  }
  return std::nullopt;
}

std::vector<Rung> rungs_below(const Situation& situation, std::size_t chosen) {
  const std::vector<SavedProfile>& profiles = situation.set->profiles;
  std::vector<Rung> below;
  if (profiles[chosen].is_cpu_only()) return below;
  std::size_t last = chosen;
  for (std::size_t i = chosen + 1; i < profiles.size(); ++i) {
    if (profiles[i].is_cpu_only() || !shrinks(profiles[last], profiles[i])) continue;
    const Rung rung = rung_of(situation, i);
    if (!rung.fits) continue;
    below.push_back(rung);
    last = i;
  }
  if (const auto cpu = cpu_alone(situation)) below.push_back(rung_of(situation, *cpu));
  return below;
}

// "4.20 GiB of CUDA0 (5.10 GiB free)", or what else there is to say.
std::string memory_words(const Situation& situation, const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "uses no GPU memory";
  const auto plain = plain_needs(*situation.set, profile, situation.default_device);
  if (!plain) return plain.reason();
  std::vector<std::string> parts;
  parts.reserve(plain->size());
  for (const DeviceNeed& need : corrected_needs(
           *situation.set, profile, *plain, situation.default_device, situation.wanted->loader)) {
    const SetDevice* const device = device_of(*situation.set, need.device);
    if (device == nullptr) continue;
    const MemoryNow now = memory_now(*device, find_device(*device, *situation.set, *situation.live),
                                     situation.live->host_available_bytes);
    parts.push_back(
        fmt::format("{} of {}, {} free{}", format_bytes(need.bytes), need.device,
                    now.free_bytes ? format_bytes(*now.free_bytes) : "unknown",
                    now.guessed() ? fmt::format(" as far as is known ({})", now.guess) : ""));
  }
  return fmt::format("{} {}", profile.origin == Origin::defaults ? "may need" : "needs",
                     fmt::join(parts, "; "));
}

std::string reason_for(const Situation& situation, const Choice& choice) {
  const SavedProfile& profile = situation.set->profiles[*choice.profile];
  const bool named = situation.wanted->profile == profile.name;
  // The profiles of a plan were not measured; their order is that of the usual speeds.
  const bool planned = profile.origin == Origin::planned;
  std::string why = planned ? "the first that fits" : "the fastest that fits";
  if (named) {
    why = "asked for, and it fits";
  } else if (situation.wanted->prefer == Preference::memory) {
    why = fmt::format("the fastest that leaves {:.0f} % of each device to others",
                      100 - situation.max_percent);
  } else if (situation.wanted->by_name()) {
    why = fmt::format("{} does not fit, and this is the fastest below it that does",
                      situation.wanted->profile);
  }
  return fmt::format("{}: {}; {}", profile.name, why, memory_words(situation, profile));
}

std::string reason_against(const Situation& situation, const Choice& choice) {
  if (situation.set->profiles.empty()) return "the set has no profile";
  std::vector<std::string> parts;
  parts.reserve(choice.passed.size());
  for (const Rung& rung : choice.passed) {
    parts.push_back(
        fmt::format("{}: {}", situation.set->profiles[rung.profile].name, rung.why_not));
  }
  return fmt::format("no profile may be loaded: {}", fmt::join(parts, "; "));
}

}  // namespace

std::uint64_t margin_bytes(std::uint64_t need_bytes, bool widened) {
  if (widened) return std::max(need_bytes / 10, 256 * kMiB);
  return std::max(need_bytes / 50, 64 * kMiB);
}

Reading<std::uint64_t> free_now(const ProfileSet& set, const LiveMachine& live,
                                const std::string& device) {
  const std::string id = device.empty() ? situation_of(set, live, {}, {}).default_device : device;
  const SetDevice* const known = device_of(set, id);
  if (known == nullptr) return Absence{"the set does not describe the device"};
  const Found found = find_device(*known, set, live);
  if (!found.here) return Absence{found.problem};
  const MemoryNow now = memory_now(*known, found, live.host_available_bytes);
  if (now.guessed()) return Absence{now.guess};
  return now.free_bytes;
}

Choice choose(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted) {
  Choice choice;
  const Staleness stale = staleness(set, live);
  choice.stale = stale.changed;
  choice.usable = stale.usable;
  if (!stale.usable) {
    choice.reason =
        fmt::format("the set cannot be used any more: {}", fmt::join(stale.changed, "; "));
    return choice;
  }
  const auto first = first_candidate(set, wanted);
  if (!first) {
    choice.reason =
        fmt::format("the set has no profile \"{}\": it has {}", wanted.profile, names_of(set));
    return choice;
  }
  const Situation situation = situation_of(set, live, wanted, stale);
  walk_down(situation, *first, choice);
  if (!choice.profile) {
    choice.reason = reason_against(situation, choice);
    return choice;
  }
  choice.below = rungs_below(situation, *choice.profile);
  choice.reason = reason_for(situation, choice);
  const std::string dominated = dominated_clause(set, set.profiles[*choice.profile]);
  if (!dominated.empty()) choice.reason += "; it is " + dominated;
  if (stale.widens) choice.reason += "; the set is stale, so its margins are wide";
  return choice;
}

}  // namespace sweetspot::profiles
