#include "core/profile_set.hpp"

#include <set>

#include "core/no_device.hpp"

namespace sweetspot {
namespace {

bool repeats(const std::vector<SetDevice>& devices) {
  std::set<std::string_view> ids;
  return !std::all_of(devices.begin(), devices.end(),
                      [&](const SetDevice& device) { return ids.insert(device.id).second; });
}

bool needs_a_stranger(const SavedProfile& profile, const std::vector<SetDevice>& devices) {
  if (!profile.needs) return false;
  const auto is_known = [&](const DeviceNeed& need) {
    return std::any_of(devices.begin(), devices.end(),
                       [&](const SetDevice& device) { return device.id == need.device; });
  };
  return !std::all_of(profile.needs->begin(), profile.needs->end(), is_known);
}

std::string misfit_of(const SavedProfile& profile, const std::vector<SetDevice>& devices) {
  if (profile.name.empty()) return "a profile has no name";
  if (profile.config.placement.n_gpu_layers < 0 && profile.origin != Origin::defaults) {
    return "a profile does not say how many layers are offloaded";
  }
  // As a flag, 0 means the context that the model was trained for; a profile keeps its length.
  if (profile.config.context.n_ctx == 0) return "a profile has no context";
  if (needs_a_stranger(profile, devices)) return "a profile needs an unknown device";
  return {};
}

}  // namespace

bool SavedProfile::is_cpu_only() const { return uses_no_device(config.placement); }

bool is_digest(std::string_view text) {
  constexpr std::size_t kDigestChars = 16;
  return text.size() == kDigestChars &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string misfit_of(const ProfileSet& set) {
  if (repeats(set.devices)) return "two devices have one id";
  std::set<std::string_view> names;
  for (const SavedProfile& profile : set.profiles) {
    if (!names.insert(profile.name).second) return "two profiles have one name";
    if (std::string why = misfit_of(profile, set.devices); !why.empty()) return why;
  }
  return {};
}

}  // namespace sweetspot
