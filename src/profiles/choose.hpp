// What to load now (M11, M13): of a set the best profile that fits what is free at this moment, and
// what to try after it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/profile_set.hpp"
#include "core/reading.hpp"

namespace sweetspot::profiles {

enum class Preference {
  speed,   ///< the fastest that fits
  memory,  ///< the fastest within the fast band: half of each device stays for others
};

struct Requirements {
  std::string profile;              ///< a name; empty or "auto" = whichever is best
  std::uint32_t min_ctx = 0;        ///< tokens of context at least
  double max_vram_percent = 85;     ///< of each device that all its users may take together
  std::uint64_t reserve_bytes = 0;  ///< left free on each device on top of that
  Preference prefer = Preference::speed;
};

/// One profile and whether it may be loaded now.
struct Rung {
  std::size_t profile = 0;  ///< into ProfileSet::profiles
  bool fits = false;
  std::string why_not;              ///< a clause; empty where it fits
  std::uint64_t missing_bytes = 0;  ///< how much more must be free; 0 where it fits, or where
                                    ///< memory is not the reason
};

struct Choice {
  /// Into ProfileSet::profiles. Empty where nothing may be loaded; `reason` says why.
  std::optional<std::size_t> profile;
  std::string reason;        ///< one sentence
  std::vector<Rung> below;   ///< to try after it, in this order: each takes less memory, the last
                             ///< one is the CPU alone
  std::vector<Rung> passed;  ///< faster than the chosen one, and why not they
  std::vector<std::string> stale;  ///< what changed since the set was made; empty = nothing
  bool usable = true;              ///< false: too much changed, the set must not be used at all
};

/// What is kept free beyond a profile's need: 2 %, at least 64 MiB; for a stale set, a device whose
/// free memory nobody can read, and a planned profile 10 %, at least 256 MiB.
std::uint64_t margin_bytes(std::uint64_t need_bytes, bool widened);

/// What changed between making the set and now, in words; empty = nothing. `usable` becomes false
/// where another card, another memory size or another model lies under it.
struct Staleness {
  std::vector<std::string> changed;
  bool usable = true;
};
Staleness staleness(const ProfileSet& set, const LiveMachine& live);

/// A profile fits where on every device need + margin <= free - reserve and what all users take
/// stays within max_vram_percent. Reports count: a profile that ran out of memory needs more than
/// was free then, one whose peak was higher needs its peak. Of profiles that fit, the first of the
/// set (fastest). Profiles of origin `defaults` carry no needs: the free memory decides by the
/// thresholds of the mission (M11).
Choice choose(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted);

}  // namespace sweetspot::profiles
