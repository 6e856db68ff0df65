// Measured trials to the four profiles. Strictly by the bands: an empty band stays empty.
#pragma once

#include <vector>

#include "core/profile.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"

namespace sweetspot::profiles {

/// Who cpu_fallback is for.
inline constexpr const char* kForCpuFallback =
    "machines without a usable GPU, or moments when too little device memory is free";

/// Always four profiles: fast, balanced, performance, cpu_fallback. In each band (boundaries in
/// core/profile.hpp, on Trial::vram_percent, which counts what others use) the fastest generation;
/// ties go to less memory, then to fewer layers. cpu_fallback is the trial of the CPU alone, which
/// may also be `fast`, and says so. Only trials without an objection (recommendable.hpp) are used.
/// A band with none has no result_index and a reason. `offloadable_layers` lets sentences say "all
/// 33 layers".
///
/// `decided`: what a sweep decided by all that it measured and believes. Where it names layers that
/// may be recommended for a band, they are its profile, whatever the speeds of single trials say.
///
/// A profile that is slower than one with less memory says so in recommended_for.
std::vector<Profile> derive(const std::vector<Trial>& trials, const Bands& bands,
                            int offloadable_layers, const std::vector<Decision>& decided = {});

}  // namespace sweetspot::profiles
