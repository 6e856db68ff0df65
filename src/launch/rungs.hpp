// The profiles that a launch may come to, from what was chosen. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "core/profile_set.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::launch {

struct Rungs {
  std::vector<SavedProfile> profiles;  ///< fastest first, the last one is the CPU alone
  std::size_t first = 0;               ///< the chosen one
};

/// The chosen profile and those below it; the CPU alone is added where the set has none. With
/// `adapt` also those that were passed for want of memory only, for the time when it is there.
/// Requires choice.profile.
Rungs rungs_of(const ProfileSet& set, const profiles::Choice& choice, bool adapt);

}  // namespace sweetspot::launch
