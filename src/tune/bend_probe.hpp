// What a model of lines cannot show: a device that slows down as it fills. Pure.
#pragma once

#include <optional>

#include "tune/field.hpp"
#include "tune/rules.hpp"

namespace sweetspot::tune {

/// Where the times that were measured bend, the place where they begin to; nothing where they do
/// not, or where it cannot win.
std::optional<Step> probe_bend(const View& view);

/// Where a token takes the CPU alone about as long as the most layers on the device: one placement
/// well between them, if nobody looked there. For when nothing else is left.
std::optional<Step> probe_between(const View& view);

}  // namespace sweetspot::tune
