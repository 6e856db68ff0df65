// What becomes of the set that is there when a new one is made.
#pragma once

#include <optional>
#include <string>

#include "core/profile_set.hpp"

namespace sweetspot::profiles {

/// What is to be kept instead of `old` (nullptr: there is none); nothing = `old` stays.
///  - A planned set, or defaults, never replaces a measured one.
///  - Nor does an interrupted measurement one made under the same conditions; a complete one always
///    replaces an interrupted one, however exactly that was measured.
///  - Nor does what is worse measured, under the same conditions, for the same requests and
///    context: speeds more than twice as uncertain and known to no better than 5 %, or a fastest
///    profile that is surely slower than the one that is kept: fewer configs were tried, or
///    something slowed them down.
///  - Reports are kept where the conditions are the same and the profile they speak of is the same
///    config in both sets.
/// Conditions: the fingerprint and the devices, their free memory and power limit aside.
std::optional<ProfileSet> successor(const ProfileSet* old, ProfileSet fresh);

/// Why `old` stays, as a clause that speaks of its profiles ("they are measured"); empty where it
/// does not.
std::string why_kept(const ProfileSet* old, const ProfileSet& fresh);

}  // namespace sweetspot::profiles
