#include "profiles/fit.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "profiles/device_now.hpp"
#include "profiles/make_set.hpp"
#include "profiles/needs.hpp"

namespace sweetspot::profiles {
namespace {

// What is against a profile on one device.
struct Objection {
  std::string why_not;
  std::uint64_t missing_bytes = 0;
};

std::uint64_t share(std::uint64_t bytes, double percent) {
  const double kept = static_cast<double>(bytes) * std::clamp(percent, 0.0, 100.0) / 100;
  return std::min(bytes, static_cast<std::uint64_t>(kept));
}

// The longest context that one sequence can have.
std::uint32_t context_of(const ContextSettings& context) {
  return context.n_ctx / context_parts(context);
}

// With a known total: what all users together would take must stay within the limit.
Objection against_limit(const Situation& situation, const DeviceNeed& need, const MemoryNow& now) {
  if (!now.total_bytes) return {};
  const std::uint64_t limit = share(*now.total_bytes, situation.max_percent);
  if (need.bytes > limit) {
    return {fmt::format("it takes {} of {}, more than {:.0f} % of its {}", format_bytes(need.bytes),
                        need.device, situation.max_percent, format_bytes(*now.total_bytes)),
            0};
  }
  const std::uint64_t held = *now.total_bytes - std::min(*now.free_bytes, *now.total_bytes);
  const std::uint64_t missing = minus(plus(held, need.bytes), limit);
  if (missing == 0) return {};
  return {fmt::format("with it {} would be more than {:.0f} % full: {} more must be free",
                      need.device, situation.max_percent, format_bytes(missing)),
          missing};
}

Objection against_free(const Situation& situation, const DeviceNeed& need, const MemoryNow& now,
                       bool widened) {
  const std::uint64_t reserve = situation.wanted->reserve_bytes;
  const std::uint64_t wanted = plus(plus(need.bytes, margin_bytes(need.bytes, widened)), reserve);
  const std::uint64_t missing = minus(wanted, *now.free_bytes);
  if (missing == 0) return {};
  if (now.total_bytes && wanted > *now.total_bytes) {
    return {fmt::format("it needs {} of {}, which has {}", format_bytes(wanted), need.device,
                        format_bytes(*now.total_bytes)),
            0};
  }
  return {fmt::format("it needs {} of {}, {} are free", format_bytes(wanted), need.device,
                      format_bytes(*now.free_bytes)),
          missing};
}

Objection worse(Objection a, Objection b) {
  if (a.why_not.empty()) return b;
  if (b.why_not.empty()) return a;
  // What freed memory cannot help against comes first.
  if (a.missing_bytes == 0 || b.missing_bytes == 0) return a.missing_bytes == 0 ? a : b;
  return a.missing_bytes >= b.missing_bytes ? a : b;
}

// What is against one device, and what it takes of the host's memory.
Objection against_device(const Situation& situation, const SavedProfile& profile,
                         const DeviceNeed& need, std::uint64_t& host_bytes) {
  const SetDevice* const device = device_of(*situation.set, need.device);
  if (device == nullptr) return {fmt::format("the set does not describe {}", need.device), 0};
  const Found found = find_device(*device, *situation.set, *situation.live);
  if (!found.here) return {found.problem, 0};
  const MemoryNow now = memory_now(*device, found, situation.live->host_available_bytes);
  if (!now.free_bytes) {
    return {fmt::format("nobody can tell how much memory {} has", need.device), 0};
  }
  if (now.shares_host_memory) host_bytes = plus(host_bytes, need.bytes);
  const bool widened = situation.widened || now.guessed() || profile.origin == Origin::planned;
  return worse(against_limit(situation, need, now), against_free(situation, need, now, widened));
}

Objection against_host(const Situation& situation, std::uint64_t bytes, bool widened) {
  const Reading<std::uint64_t>& available = situation.live->host_available_bytes;
  if (!available || bytes == 0) return {};
  const std::uint64_t wanted = plus(bytes, margin_bytes(bytes, widened));
  const std::uint64_t missing = minus(wanted, *available);
  if (missing == 0) return {};
  return {fmt::format("it needs {} of the host's memory, {} are available", format_bytes(wanted),
                      format_bytes(*available)),
          missing};
}

// One sentence part and one figure for all that is against it.
void add(Rung& rung, const Objection& objection, bool& hopeless) {
  if (objection.why_not.empty()) return;
  rung.why_not += rung.why_not.empty() ? objection.why_not : "; " + objection.why_not;
  rung.missing_bytes = plus(rung.missing_bytes, objection.missing_bytes);
  hopeless = hopeless || objection.missing_bytes == 0;
}

void check_memory(const Situation& situation, const SavedProfile& profile, Rung& rung) {
  const ProfileSet& set = *situation.set;
  const auto plain = plain_needs(set, profile, situation.default_device);
  if (!plain) {
    rung.why_not = plain.reason();
    return;
  }
  std::uint64_t host_bytes = profile.host_bytes.value_or(0);
  bool hopeless = false;
  for (const DeviceNeed& need :
       corrected_needs(set, profile, *plain, situation.default_device, situation.wanted->loader)) {
    add(rung, against_device(situation, profile, need, host_bytes), hopeless);
  }
  add(rung, against_host(situation, host_bytes, situation.widened), hopeless);
  if (hopeless) rung.missing_bytes = 0;
}

// Why a profile is out of the question whatever is free; empty where it is not.
std::string unsuitable(const Situation& situation, const SavedProfile& profile) {
  const Requirements& wanted = *situation.wanted;
  const std::uint32_t context = context_of(profile.config.context);
  if (context < wanted.min_ctx) {
    return fmt::format("its context is {} tokens, {} are required", context, wanted.min_ctx);
  }
  if (keeps_crashing(*situation.set, profile, wanted.loader) && wanted.profile != profile.name) {
    return "it crashed the last two times";
  }
  return {};
}

// Of a default set: the free memory of a device, or nothing where it is not here.
std::uint64_t room_on(const SetDevice& device, const ProfileSet& set, const LiveMachine& live) {
  const Found found = find_device(device, set, live);
  if (!found.here) return 0;
  return memory_now(device, found, live.host_available_bytes).free_bytes.value_or(0);
}

std::string roomiest(const ProfileSet& set, const LiveMachine& live) {
  std::string best;
  std::uint64_t most = 0;
  for (const SetDevice& device : set.devices) {
    const std::uint64_t room = room_on(device, set, live);
    if (room <= most) continue;
    best = device.id;
    most = room;
  }
  return best;
}

// The largest card here, which says what is wished for (M11).
std::uint64_t largest_card(const ProfileSet& set, const LiveMachine& live) {
  std::uint64_t largest = 0;
  for (const SetDevice& device : set.devices) {
    const Found found = find_device(device, set, live);
    if (!found.here) continue;
    const MemoryNow now = memory_now(device, found, live.host_available_bytes);
    largest = std::max(largest, now.total_bytes.value_or(0));
  }
  return largest;
}

std::string for_larger_cards(const Situation& situation, const SavedProfile& profile) {
  if (profile.origin != Origin::defaults || profile.is_cpu_only()) return {};
  const std::uint64_t from = default_card_bytes(profile.name);
  const std::uint64_t largest = largest_card(*situation.set, *situation.live);
  if (largest >= from || situation.wanted->profile == profile.name) return {};
  return fmt::format("it is for cards with {} GB or more", from / 1'000'000'000);
}

}  // namespace

Situation situation_of(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted,
                       const Staleness& staleness) {
  Situation situation{&set, &live, &wanted, staleness.widens, wanted.max_vram_percent, {}};
  if (wanted.prefer == Preference::memory) {
    situation.max_percent = std::min(situation.max_percent, set.bands.fast_percent);
  }
  situation.default_device = roomiest(set, live);
  return situation;
}

bool serves(const Situation& situation, const SavedProfile& profile) {
  return unsuitable(situation, profile).empty();
}

Rung rung_of(const Situation& situation, std::size_t profile) {
  const SavedProfile& asked = situation.set->profiles[profile];
  Rung rung{profile, false, unsuitable(situation, asked), 0};
  if (rung.why_not.empty()) rung.why_not = for_larger_cards(situation, asked);
  if (rung.why_not.empty()) check_memory(situation, asked, rung);
  rung.fits = rung.why_not.empty();
  return rung;
}

}  // namespace sweetspot::profiles
