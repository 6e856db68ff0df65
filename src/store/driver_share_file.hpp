// Measured driver's shares, kept between commands: sweetspot.driver-shares/1.
#pragma once

#include <string>
#include <vector>

#include "core/driver_share.hpp"
#include "core/error.hpp"

namespace sweetspot::store {

/// Empty where there is no file. Errors (output) where it cannot be read or is of another schema.
Result<std::vector<MeasuredShare>> load_driver_shares(const std::string& path);

/// Keeps `share`, replacing what was measured under the same conditions; makes the folder. Errors
/// are of kind output.
Status keep_driver_share(const std::string& path, const MeasuredShare& share);

}  // namespace sweetspot::store
