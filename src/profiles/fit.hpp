// Whether one profile may be loaded now.
#pragma once

#include <cstddef>
#include <string>

#include "profiles/choose.hpp"

namespace sweetspot::profiles {

/// What all profiles of a set are held against.
struct Situation {
  const ProfileSet* set = nullptr;
  const LiveMachine* live = nullptr;
  const Requirements* wanted = nullptr;
  bool widened = false;        ///< every margin
  double max_percent = 85;     ///< of a device, all users together
  std::string default_device;  ///< for profiles of origin `defaults`; empty = none is here
};

Situation situation_of(const ProfileSet& set, const LiveMachine& live, const Requirements& wanted,
                       const Staleness& staleness);

Rung rung_of(const Situation& situation, std::size_t profile);

/// Whether memory is the only thing that can be against it.
bool serves(const Situation& situation, const SavedProfile& profile);

}  // namespace sweetspot::profiles
