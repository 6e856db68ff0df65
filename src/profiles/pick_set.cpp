#include "profiles/pick_set.hpp"

#include <algorithm>
#include <string>
#include <tuple>

namespace sweetspot::profiles {
namespace {

bool serves(const ProfileSet& set, std::uint32_t min_ctx) {
  return std::any_of(set.profiles.begin(), set.profiles.end(), [&](const SavedProfile& profile) {
    const ContextSettings& context = profile.config.context;
    return context.n_ctx / context_parts(context) >= min_ctx;
  });
}

// The larger, the sooner it is taken. Times are ISO 8601 in UTC: their order is that of their text.
std::tuple<bool, bool, std::string> rank_of(const ProfileSet& set, const WantedSet& wanted) {
  return {set.origin == Origin::measured, serves(set, wanted.min_ctx), set.created_at};
}

}  // namespace

bool same_requests(const Workload& a, const Workload& b) {
  return a.n_prompt == b.n_prompt && a.n_gen == b.n_gen && a.n_depth == b.n_depth;
}

std::optional<std::size_t> pick_set(const std::vector<ProfileSet>& sets, const WantedSet& wanted) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const ProfileSet& set = sets[i];
    const bool other = set.origin != Origin::measured ||
                       (wanted.workload && !same_requests(set.workload, *wanted.workload));
    if (wanted.workload && other) continue;
    if (!best || rank_of(set, wanted) > rank_of(sets[*best], wanted)) best = i;
  }
  return best;
}

}  // namespace sweetspot::profiles
