// Machines on which comparing is hard.
#pragma once

#include "machine/dice.hpp"
#include "machine/parts.hpp"

namespace sweetspot::simulation {

/// Speeds swing by a tenth within minutes, loads differ by up to a percent, and whoever comes takes
/// a part of the processor's bandwidth while the work runs.
fake::Disturbance shaking(fake::Dice& dice);

}  // namespace sweetspot::simulation
