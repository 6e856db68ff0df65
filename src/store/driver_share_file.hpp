// Measured driver's shares, kept between commands: sweetspot.driver-shares/1.
#pragma once

#include <string>
#include <vector>

#include "core/driver_share.hpp"
#include "core/error.hpp"

namespace sweetspot::store {

/// Empty where there is no file. Errors (output) where it cannot be read, is damaged or of a newer
/// schema. The file is never touched. Needs no lock.
Result<std::vector<MeasuredShare>> load_driver_shares(const std::string& path);

/// Keeps `share`, replacing what was measured under the same conditions, under the folder's lock,
/// so that no other process's share is lost. Durable and atomic; makes the folder; replaces a
/// damaged file. Errors (output): a file of a newer schema or one that cannot be read is refused,
/// not replaced; a lock that another process holds for seconds.
Status keep_driver_share(const std::string& path, const MeasuredShare& share);

}  // namespace sweetspot::store
