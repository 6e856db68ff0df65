#include "launch/rungs.hpp"

#include "core/no_device.hpp"

namespace sweetspot::launch {
namespace {

SavedProfile on_the_cpu(SavedProfile profile) {
  profile.name = "cpu_fallback";
  profile.config.placement = cpu_alone(profile.config.placement);
  profile.needs = std::vector<DeviceNeed>{};
  profile.host_bytes = Absence{"not measured"};
  profile.tokens_per_second = Absence{"not measured"};
  profile.prompt_tokens_per_second = Absence{"not measured"};
  profile.evidence = "not measured: the profile before it without any layer on a device";
  return profile;
}

}  // namespace

Rungs rungs_of(const ProfileSet& set, const profiles::Choice& choice, bool adapt) {
  Rungs rungs;
  rungs.profiles.reserve(set.profiles.size() + 1);
  if (adapt) {
    for (const profiles::Rung& passed : choice.passed) {
      if (passed.missing_bytes > 0) rungs.profiles.push_back(set.profiles[passed.profile]);
    }
  }
  rungs.first = rungs.profiles.size();
  rungs.profiles.push_back(set.profiles[*choice.profile]);
  for (const profiles::Rung& below : choice.below) {
    rungs.profiles.push_back(set.profiles[below.profile]);
  }
  if (!rungs.profiles.back().is_cpu_only()) {
    rungs.profiles.push_back(on_the_cpu(rungs.profiles.back()));
  }
  return rungs;
}

}  // namespace sweetspot::launch
