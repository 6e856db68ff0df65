// What a model of lines cannot show: a device that slows down as it fills. Pure.
#pragma once

#include <optional>

#include "search/config_field.hpp"
#include "search/tune_rules.hpp"

namespace sweetspot::search {

/// Where the times that were measured bend, the place where they begin to; nothing where they do
/// not, or where it cannot win.
std::optional<TuneStep> probe_bend(const SearchView& view);

/// Where everything on the device is best and the CPU alone not far behind: one placement well
/// between them, if nobody looked there. For when nothing else is left.
std::optional<TuneStep> probe_between(const SearchView& view);

}  // namespace sweetspot::search
