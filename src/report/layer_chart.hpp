// Speed against layers, as columns of block characters.
#pragma once

#include <string>

#include "core/run.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

/// A column for each layer count that was measured, a dot for each that is predicted; the speed of
/// the generation from 0 on. Needs UTF-8. Empty where fewer than two counts were measured.
std::string layer_chart(const Run& run, const Style& style);

}  // namespace sweetspot::report
