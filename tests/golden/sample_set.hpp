// Profile sets made by hand: every kind of profile, absence and hostile text that a real one can
// hold.
#pragma once

#include "core/profile_set.hpp"

namespace sweetspot::tests {

/// Of the mission's card: four measured profiles, a tuned one, and two reports.
ProfileSet measured_set();

/// Of two devices that say little, for a model nobody has run: planned profiles without speeds,
/// defaults without needs, hostile names.
ProfileSet planned_set();

}  // namespace sweetspot::tests
