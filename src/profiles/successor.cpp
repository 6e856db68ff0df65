#include "profiles/successor.hpp"

#include <algorithm>
#include <utility>

namespace sweetspot::profiles {
namespace {

bool same_device(const SetDevice& a, const SetDevice& b) {
  return a.id == b.id && a.description == b.description && a.backend == b.backend &&
         a.pci_bus_id == b.pci_bus_id && a.uuid == b.uuid && a.driver_version == b.driver_version &&
         a.memory_total_bytes == b.memory_total_bytes;
}

bool same_conditions(const ProfileSet& a, const ProfileSet& b) {
  return a.model.same_model(b.model) && a.fingerprint == b.fingerprint &&
         std::equal(a.devices.begin(), a.devices.end(), b.devices.begin(), b.devices.end(),
                    same_device);
}

bool same_profile(const SavedProfile* a, const SavedProfile* b) {
  return a != nullptr && b != nullptr && a->config == b->config;
}

// Those of an exported set that comes back are there already.
void keep_reports(const ProfileSet& old, ProfileSet& fresh) {
  auto& reports = fresh.reports;
  for (const LoadReport& report : old.reports) {
    if (!same_profile(old.find(report.profile), fresh.find(report.profile))) continue;
    if (std::find(reports.begin(), reports.end(), report) == reports.end()) {
      reports.push_back(report);
    }
  }
  std::stable_sort(reports.begin(), reports.end(),
                   [](const LoadReport& a, const LoadReport& b) { return a.at < b.at; });
  if (reports.size() > kKeptReports) {
    reports.erase(reports.begin(), reports.end() - static_cast<std::ptrdiff_t>(kKeptReports));
  }
}

}  // namespace

std::optional<ProfileSet> successor(const ProfileSet* old, ProfileSet fresh, bool complete) {
  if (old == nullptr) return fresh;
  const bool same = same_conditions(*old, fresh);
  if (old->origin == Origin::measured) {
    if (fresh.origin != Origin::measured) return std::nullopt;
    if (same && !complete) return std::nullopt;
  }
  if (same) keep_reports(*old, fresh);
  return fresh;
}

}  // namespace sweetspot::profiles
