#include "profiles/limit_threads.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sweetspot::profiles {

bool limit_threads(ContextSettings& context, const Machine& machine) {
  if (machine.usable_threads <= 0) return false;
  const ContextSettings before = context;
  const bool fewer_than_cores = machine.usable_threads < machine.physical_cores;
  if (context.n_threads == 0 && fewer_than_cores) context.n_threads = machine.usable_threads;
  for (int* threads : {&context.n_threads, &context.n_threads_batch}) {
    if (*threads > std::max(machine.most_threads, 1)) *threads = machine.usable_threads;
  }
  return context != before;
}

std::string limit_threads(ProfileSet& set, const Machine& machine) {
  int most = 0;
  for (SavedProfile& profile : set.profiles) {
    ContextSettings& context = profile.config.context;
    const int wanted = std::max(context.n_threads, context.n_threads_batch);
    if (limit_threads(context, machine) && wanted > machine.usable_threads) {
      most = std::max(most, wanted);
    }
  }
  if (most == 0) return {};
  return fmt::format(
      "the profiles were measured with up to {} threads; this process may use {}, so {} are "
      "started "
      "and speeds will be lower",
      most, machine.usable_threads, machine.usable_threads);
}

}  // namespace sweetspot::profiles
