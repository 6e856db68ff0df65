// Profile sets from what is known: a run, a plan, or nothing but the size of the card (M10-M12).
#pragma once

#include <string>

#include "core/profile_set.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"

namespace sweetspot::profiles {

/// The set of a run: its four profiles, the winner of a tune as "tuned", and every other measured
/// trial without an objection that is not beaten in both speed and memory, as "layers-N". The CPU
/// alone is in it wherever it was measured and did not fail with its whole context.
///
/// A need is the larger of llama.cpp's breakdown with `driver_share_bytes`, and of what the driver
/// saw: of several devices, what it saw beyond the breakdown counts evenly, since contexts and
/// kernels do not grow with what lies on a device. Settings are those that llama.cpp really used.
///
/// Absent, with the reason, where nothing was measured that may be recommended.
Reading<ProfileSet> set_of_run(const Run& run, const ModelKey& model,
                               std::uint64_t driver_share_bytes);

/// The note's own four (M10), for a model nobody has looked at.
ProfileSet default_set(const ModelKey& model, const LiveMachine& live);

}  // namespace sweetspot::profiles
