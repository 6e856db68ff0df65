// Which trials may be recommended at all.
#pragma once

#include <string>
#include <vector>

#include "core/trial.hpp"

namespace sweetspot::profiles {

/// For each trial why it must never be recommended, as a clause ("failed with the whole context in
/// use"); empty where it may be. It may where it was measured to better than half of its value
/// (R49), did not spill (spill.hpp), and either held its whole context (R32) or was not tried at
/// full depth for a reason that is noted.
std::vector<std::string> objections(const std::vector<Trial>& trials);

}  // namespace sweetspot::profiles
