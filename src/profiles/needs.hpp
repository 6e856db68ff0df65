// What a profile needs of a device, as made and as reports have corrected it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/profile_set.hpp"
#include "core/reading.hpp"

namespace sweetspot::profiles {

/// Needs before reports; `default_device` is the one a profile of origin `defaults` is thought to
/// lie on, empty = none is here. Nothing for the CPU alone.
Reading<std::vector<DeviceNeed>> plain_needs(const ProfileSet& set, const SavedProfile& profile,
                                             const std::string& default_device);

/// `needs` of the profile as the loader's reports have corrected them; rules in choose.hpp.
std::vector<DeviceNeed> corrected_needs(const ProfileSet& set, const SavedProfile& profile,
                                        const std::vector<DeviceNeed>& needs,
                                        const std::string& default_device, const Loader& loader);

/// Whether the loader's last two reports of it are crashes. `profile` is one of the set. Never true
/// of the last one and of the CPU alone, which are what is left when all else fails.
bool keeps_crashing(const ProfileSet& set, const SavedProfile& profile, const Loader& loader);

/// Whether `to` takes less memory than `from` on every device that it takes any of. Where needs are
/// unknown: fewer layers, and neither a larger context nor a larger batch.
bool shrinks(const SavedProfile& from, const SavedProfile& to);

}  // namespace sweetspot::profiles
