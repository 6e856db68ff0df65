// How many physical cores this process may run on.
#pragma once

namespace sweetspot::worker {

/// Distinct cores among the CPUs of the affinity mask, as /sys describes them. Where it does not,
/// the number of CPUs in the mask. At least 1.
int physical_cores();

}  // namespace sweetspot::worker
