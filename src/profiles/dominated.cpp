#include "profiles/dominated.hpp"

#include <fmt/format.h>

#include "profiles/needs.hpp"

namespace sweetspot::profiles {

const SavedProfile* better_with_less(const ProfileSet& set, const SavedProfile& profile) {
  const SavedProfile* best = nullptr;
  if (!profile.speed()) return best;
  for (const SavedProfile& other : set.profiles) {
    if (!other.speed() || other.speed()->value <= profile.speed()->value) continue;
    if (other.config.context.n_ctx < profile.config.context.n_ctx) continue;
    if (!shrinks(profile, other)) continue;
    if (best == nullptr || other.speed()->value > best->speed()->value) best = &other;
  }
  return best;
}

std::string dominated_clause(const ProfileSet& set, const SavedProfile& profile) {
  const SavedProfile* const better = better_with_less(set, profile);
  if (better == nullptr) return {};
  return fmt::format("slower than {}, which takes less memory", better->name);
}

}  // namespace sweetspot::profiles
