// What llama-server may keep of its own beside a profile that is loaded now.
#pragma once

#include "core/profile_set.hpp"
#include "core/run.hpp"

namespace sweetspot::profiles {

/// The profile's server settings, made as small as what the host has left now asks for beside the
/// profile, its mapped weights, what devices take of host memory, and a wide margin. As they are
/// where nobody knows how much that is.
ServerSettings server_now(const ProfileSet& set, const SavedProfile& profile,
                          const LiveMachine& live);

/// The same of a trial, on the machine as it was when its run began.
ServerSettings server_then(const Run& run, const Trial& trial);

}  // namespace sweetspot::profiles
