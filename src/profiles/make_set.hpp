// Profile sets from what is known: a run, a plan, or nothing but the size of the card (M10-M12).
#pragma once

#include <string>

#include "core/profile_set.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"

namespace sweetspot::profiles {

/// The set of a run: its four profiles, the winner of a tune as "tuned", and every other measured
/// trial without an objection that is not beaten in both speed and memory, as "layers-N". Needs are
/// the larger of the driver's rise and llama.cpp's breakdown with `driver_share_bytes` per device.
/// Absent, with the reason, where nothing was measured that may be recommended.
Reading<ProfileSet> set_of_run(const Run& run, const ModelKey& model,
                               std::uint64_t driver_share_bytes);

/// The note's own four (M10), for a model nobody has looked at.
ProfileSet default_set(const ModelKey& model, const LiveMachine& live);

}  // namespace sweetspot::profiles
