// Which of the sets that are kept for a model is meant. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/config.hpp"
#include "core/profile_set.hpp"

namespace sweetspot::profiles {

/// What a set must serve; nothing asked for = whatever there is.
struct WantedSet {
  /// Prompt, generated tokens and depth as asked for; sequences side by side are not compared.
  std::optional<Workload> workload;
  std::uint32_t min_ctx = 0;  ///< tokens of context, of each sequence
};

/// Into `sets`; nothing where none has the workload, or there is none. Of those that are left: a
/// measured one before any other, then one with a profile of the context, then the newest.
std::optional<std::size_t> pick_set(const std::vector<ProfileSet>& sets, const WantedSet& wanted);

/// Whether both were made for requests of the same shape.
bool same_requests(const Workload& a, const Workload& b);

}  // namespace sweetspot::profiles
