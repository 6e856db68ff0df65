// Which rung would be chosen now if the program that runs gave its memory back. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/profile_set.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::launch {

/// `rungs` are profiles of `set`. Nothing where nobody can tell: the free memory of a device that
/// the running profile, or any other rung, takes memory of is not known. What the running profile
/// needs counts as free, since it would be.
std::optional<std::size_t> wanted_rung(const ProfileSet& set,
                                       const std::vector<SavedProfile>& rungs, std::size_t running,
                                       const LiveMachine& live,
                                       const profiles::Requirements& wanted);

}  // namespace sweetspot::launch
