// Profiles that take more memory than another one and are slower all the same.
#pragma once

#include <string>

#include "core/profile_set.hpp"

namespace sweetspot::profiles {

/// The fastest profile of the set that is faster than `profile` and takes less memory on every
/// device, with a context that is no shorter; nullptr where there is none, or no speed is known.
/// `profile` is one of the set.
const SavedProfile* better_with_less(const ProfileSet& set, const SavedProfile& profile);

/// What has to be said of a profile that somebody loads although another one is better: a clause
/// ("slower than fast, which takes less memory"); empty where there is none.
std::string dominated_clause(const ProfileSet& set, const SavedProfile& profile);

}  // namespace sweetspot::profiles
