// A run as a report: of `sweetspot profile` or `sweetspot tune`.
#pragma once

#include "core/run.hpp"
#include "page/figure.hpp"

namespace sweetspot::page {

Report report_of(const Run& run);

}  // namespace sweetspot::page
