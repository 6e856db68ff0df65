// Threads beyond what the process may use: one without a processor holds up all others.
#pragma once

#include <string>

#include "core/config.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"

namespace sweetspot::profiles {

/// What will be started on this machine, by this process or one of its children. Left to itself
/// llama.cpp starts a thread for each core, whatever affinity, cpusets and quotas leave of them:
/// where that is fewer, the number is said. One that was measured where more could run is lowered.
/// False where the settings are as they were.
bool limit_threads(ContextSettings& context, const Machine& machine);

/// All profiles of a set. A sentence for people where one that was measured was lowered, else
/// empty.
std::string limit_threads(ProfileSet& set, const Machine& machine);

}  // namespace sweetspot::profiles
