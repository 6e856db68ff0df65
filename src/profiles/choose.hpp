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
  std::uint32_t min_ctx = 0;        ///< tokens of context at least, of each sequence
  double max_vram_percent = 85;     ///< of each device that all its users may take together
  std::uint64_t reserve_bytes = 0;  ///< left free on each device on top of that
  Preference prefer = Preference::speed;
  Loader loader;  ///< who will load it: only its own reports count

  [[nodiscard]] bool by_name() const { return !profile.empty() && profile != "auto"; }
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
  std::string reason;  ///< one sentence
  /// To try after it, in this order: each takes less on every device than the one before and fits,
  /// the last one is the CPU alone, which is there even where the host's memory is short.
  std::vector<Rung> below;
  /// Faster than the chosen one, and why not they; with a name those from it on.
  std::vector<Rung> passed;
  std::vector<std::string> stale;  ///< what changed since the set was made; empty = nothing
  bool usable = true;              ///< false: too much changed, the set must not be used at all
};

/// What is kept free beyond a profile's need: 2 %, at least 64 MiB; widened 10 %, at least 256 MiB.
/// It is widened for a set that is stale in what memory depends on, a device whose free memory
/// nobody can read (a sleeping one too), and a planned profile.
std::uint64_t margin_bytes(std::uint64_t need_bytes, bool widened);

/// What changed between making the set and now; what either side does not know is not compared.
///  - unusable: another model, another card, a device memory that differs by more than 2 % (two
///    drivers' views of one card differ by less).
///  - widens: driver, llama.cpp, environment, our own version, a card that is gone or renamed.
///  - neither: power limit and processor change speeds, not bytes.
struct Staleness {
  std::vector<std::string> changed;  ///< clauses: "the driver was 550.54, is 560.35"
  bool usable = true;
  bool widens = false;  ///< margins are the wide ones
};
Staleness staleness(const ProfileSet& set, const LiveMachine& live);

/// The first profile of the set (its fastest) that fits and serves the requirements. One that is
/// slower than another with less memory comes after that other; asked for by name, the reason says
/// so.
///
/// It fits where on every device that it takes memory of
///  - need + margin_bytes() <= free - reserve_bytes, and
///  - what others hold + need <= max_vram_percent of the total; with Preference::memory at most
///    Bands::fast_percent;
/// and where host_bytes and what devices take of the host's memory, with a margin, are available.
/// The CPU alone takes no device. Where no need is known, nothing but the CPU alone fits.
///
/// Free memory is what LiveMachine says. Where it says nothing (asleep, no driver interface, RPC)
/// it is what was free when the set was made, else the total, and the margin is wide. A device of
/// the set is found by uuid, else by PCI id, else by ggml's name where there is nothing better; an
/// RPC device by its name, or by the list of endpoints. One that is not here, or has another name
/// now, takes no profile.
///
/// Reports of the same loader, oldest first: out of memory with F free means that this profile, and
/// all that need as much on that device, need more than F, until one that needs as much loads with
/// less free; without F, a wide margin more. A peak above the need is the need. A profile whose
/// last two reports are crashes is not chosen unless asked for by name; the last profile of the set
/// is never locked like that. What was not ready in time says nothing of a profile.
///
/// A profile asked for by name comes first, then those after it that take less memory.
/// Profiles of origin `defaults` have no needs: default_need_bytes() (make_set.hpp) on the device
/// with the most room stands in, and a profile for larger cards than the largest here is passed.
Choice choose(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted);

/// What is free on a device of the set now, as choose() sees it; an empty `device` is the one with
/// the most room, as for profiles of origin `defaults`. Absent where it would be a guess.
Reading<std::uint64_t> free_now(const ProfileSet& set, const LiveMachine& live,
                                const std::string& device);

}  // namespace sweetspot::profiles
