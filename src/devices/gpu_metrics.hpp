// amdgpu's binary gpu_metrics table, as far as it is used here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/reading.hpp"

namespace sweetspot::devices {

/// The limiters at work: "power cap", "current limit", "thermal slowdown", "other limit". A card at
/// full speed names one too: whatever would stop it next. Absent for tables without the common mask
/// (only format 1.3 of discrete cards is read) and where the firmware leaves it out.
Reading<std::vector<std::string>> active_limiters(std::string_view table);

}  // namespace sweetspot::devices
