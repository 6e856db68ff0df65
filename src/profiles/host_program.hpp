// A set as the program sees it that will load its profiles.
#pragma once

#include "core/config.hpp"
#include "core/profile_set.hpp"

namespace sweetspot::profiles {

/// The set with what each profile takes in a program of that kind. llama-server never takes more
/// than libllama's defaults, so a profile that was made with them keeps its needs there; one that
/// was made for llama-server has those of libllama, or the reason why nobody knows them.
ProfileSet for_host(ProfileSet set, HostProgram program);

}  // namespace sweetspot::profiles
