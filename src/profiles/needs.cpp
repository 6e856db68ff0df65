#include "profiles/needs.hpp"

#include <algorithm>

#include "profiles/choose.hpp"
#include "profiles/make_set.hpp"

namespace sweetspot::profiles {
namespace {

using Needs = std::vector<DeviceNeed>;

const DeviceNeed* need_on(const Needs& needs, const std::string& device) {
  for (const DeviceNeed& need : needs) {
    if (need.device == device) return &need;
  }
  return nullptr;
}

// What the profile of a report needs on the device that the report is of, or nothing.
const DeviceNeed* reported_need(const Needs& needs, const LoadReport& report) {
  if (needs.empty()) return nullptr;
  return report.device.empty() ? &needs.front() : need_on(needs, report.device);
}

// What reports say of one device for a profile that needs `need` of it.
struct Floor {
  std::uint64_t need = 0;
  std::uint64_t floor = 0;  // more than this is needed; 0 = nothing is known

  void ran_out(const Reading<std::uint64_t>& free) {
    const std::uint64_t so_far = std::max(need, floor);
    floor = std::max(floor, free ? *free + 1 : so_far + margin_bytes(so_far, true));
  }

  // It may have had more room than when it failed; then that it loaded proves nothing.
  void loaded(const Reading<std::uint64_t>& free) {
    if (free && *free < floor) floor = 0;
  }
};

void apply(Floor& floor, const ProfileSet& set, const LoadReport& report, const SavedProfile& mine,
           const DeviceNeed& need, const std::string& default_device) {
  const SavedProfile* const said = set.find(report.profile);
  if (said == nullptr) return;
  const auto needs = plain_needs(set, *said, default_device);
  if (!needs) return;
  const DeviceNeed* const theirs = reported_need(*needs, report);
  if (theirs == nullptr || theirs->device != need.device) return;
  const bool own = said->name == mine.name;
  // What ran out with less, or loaded with more, says it of this one too.
  if (report.result == LoadResult::out_of_memory && (own || need.bytes >= theirs->bytes)) {
    floor.ran_out(report.free_bytes);
  }
  if (report.result == LoadResult::loaded && (own || need.bytes <= theirs->bytes)) {
    floor.loaded(report.free_bytes);
  }
  if (own && report.peak_bytes) floor.need = std::max(floor.need, *report.peak_bytes);
}

}  // namespace

Reading<Needs> plain_needs(const ProfileSet& set, const SavedProfile& profile,
                           const std::string& default_device) {
  if (profile.is_cpu_only()) return Needs();
  if (profile.needs) return profile.needs;
  if (profile.origin != Origin::defaults) {
    return Absence{"nobody knows how much memory it takes"};
  }
  if (default_device.empty()) return Absence{"no device is here to offload to"};
  return Needs{{default_device, default_need_bytes(profile, set.model)}};
}

Needs corrected_needs(const ProfileSet& set, const SavedProfile& profile, const Needs& needs,
                      const std::string& default_device, const Loader& loader) {
  Needs corrected = needs;
  for (DeviceNeed& need : corrected) {
    Floor floor{need.bytes, 0};
    for (const LoadReport& report : set.reports) {
      if (report.loader != loader) continue;
      apply(floor, set, report, profile, need, default_device);
    }
    need.bytes = std::max(floor.need, floor.floor);
  }
  return corrected;
}

bool keeps_crashing(const ProfileSet& set, const SavedProfile& profile, const Loader& loader) {
  const bool is_last_rung = profile.is_cpu_only() || &profile == &set.profiles.back();
  if (is_last_rung) return false;
  int crashes = 0;
  for (const LoadReport& report : set.reports) {
    if (report.profile != profile.name || report.loader != loader) continue;
    if (report.result == LoadResult::timed_out) continue;
    crashes = report.result == LoadResult::crashed ? crashes + 1 : 0;
  }
  return crashes >= 2;
}

bool shrinks(const SavedProfile& from, const SavedProfile& to) {
  if (from.is_cpu_only()) return false;
  if (to.is_cpu_only()) return true;
  if (!from.needs || !to.needs) {
    const ContextSettings& before = from.config.context;
    const ContextSettings& after = to.config.context;
    return to.config.placement.n_gpu_layers < from.config.placement.n_gpu_layers &&
           after.n_ctx <= before.n_ctx && after.n_ubatch <= before.n_ubatch;
  }
  return std::all_of(to.needs->begin(), to.needs->end(), [&](const DeviceNeed& need) {
    const DeviceNeed* const before = need_on(*from.needs, need.device);
    return before != nullptr && need.bytes < before->bytes;
  });
}

}  // namespace sweetspot::profiles
