// What reports hold against the profiles of a set, and forgetting it. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/profile_set.hpp"

namespace sweetspot::profiles {

struct Held {
  std::string profile;
  Loader loader;     ///< whom it holds for: nobody else is kept from the profile
  std::string what;  ///< a clause: "it crashed the last two times, ..."
};

/// By profile in the set's order, then by loader in that of their first reports.
std::vector<Held> held_against(const ProfileSet& set);

/// "llama-server --embedding", for people; not escaped.
std::string name_of(const Loader& loader);

/// The set without the reports of one profile, or without any where `profile` is empty. How many
/// that were is the difference.
ProfileSet without_reports(ProfileSet set, const std::string& profile);

}  // namespace sweetspot::profiles
