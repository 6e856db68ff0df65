// What a sweep decided, as a ranking of trials: profiles and analysis say what it says.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "profiles/ranking.hpp"

namespace sweetspot::profiles {

/// rank(), but where the decision of that name is for the layers of one of `candidates`, the best
/// trial with these layers is chosen; those that tie with it still do. 0 layers beside a device are
/// no part of a decision: where they are the fastest without a tie, they stay first.
std::optional<Ranking> rank_as_decided(const std::vector<Trial>& trials,
                                       const std::vector<std::size_t>& candidates,
                                       const std::vector<Decision>& decided, std::string_view name);

}  // namespace sweetspot::profiles
