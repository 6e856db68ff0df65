// Whether two configs that were measured may be loaded at once. Pure.
#pragma once

#include "tune/arms.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// By what their trials took, driver's share included, both together keep to the limit of every
/// device and leave the host its reserve. False where anything of it is not known.
bool has_room_for_both(const Arm& a, const Arm& b, const Rules& rules);

}  // namespace sweetspot::tune
