#include "profiles/successor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

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

// The speed that a profile is chosen by: of models that only read that of the prompt.
const Reading<Estimate>& speed_of(const SavedProfile& profile) {
  return profile.tokens_per_second ? profile.tokens_per_second : profile.prompt_tokens_per_second;
}

// Half of the interval's width as a share of the value, the median over the profiles.
std::optional<double> uncertainty(const ProfileSet& set) {
  std::vector<double> widths;
  for (const SavedProfile& profile : set.profiles) {
    const Reading<Estimate>& speed = speed_of(profile);
    if (speed && speed->value > 0) widths.push_back((speed->high - speed->low) / 2 / speed->value);
  }
  if (widths.empty()) return std::nullopt;
  const auto middle = widths.begin() + static_cast<std::ptrdiff_t>(widths.size() / 2);
  std::nth_element(widths.begin(), middle, widths.end());
  return *middle;
}

const SavedProfile* fastest(const ProfileSet& set) {
  const SavedProfile* best = nullptr;
  for (const SavedProfile& profile : set.profiles) {
    if (!speed_of(profile)) continue;
    if (best == nullptr || speed_of(profile)->value > speed_of(*best)->value) best = &profile;
  }
  return best;
}

bool holds_config(const ProfileSet& set, const Config& config) {
  return std::any_of(set.profiles.begin(), set.profiles.end(),
                     [&](const SavedProfile& profile) { return profile.config == config; });
}

std::uint32_t largest_context(const ProfileSet& set) {
  std::uint32_t largest = 0;
  for (const SavedProfile& profile : set.profiles) {
    largest = std::max(largest, profile.config.context.n_ctx);
  }
  return largest;
}

bool is_comparable(const ProfileSet& a, const ProfileSet& b) {
  return a.workload == b.workload && a.objective == b.objective &&
         largest_context(a) == largest_context(b);
}

// Why `fresh` says less than `old`, as a clause; empty where it does not.
std::string worse_measured(const ProfileSet& old, const ProfileSet& fresh) {
  constexpr double kTimes = 2;
  constexpr double kGoodEnough = 0.05;
  const auto before = uncertainty(old);
  const auto now = uncertainty(fresh);
  if (before && now && *now > kGoodEnough && *now > kTimes * *before) {
    return fmt::format("they are measured more exactly ({:.1f} % against {:.1f} %)", 100 * *before,
                       100 * *now);
  }
  const SavedProfile* kept = fastest(old);
  const SavedProfile* made = fastest(fresh);
  // The same config measured again and slower tells that something has changed; it does not make
  // the search a worse one.
  if (kept != nullptr && holds_config(fresh, kept->config)) return {};
  if (kept == nullptr || made == nullptr || speed_of(*made)->high >= speed_of(*kept)->low) {
    return {};
  }
  return fmt::format("their fastest profile does {:.4g} tok/s, the fastest of these {:.4g}",
                     speed_of(*kept)->value, speed_of(*made)->value);
}

}  // namespace

std::string why_kept(const ProfileSet* old, const ProfileSet& fresh) {
  if (old == nullptr || old->origin != Origin::measured) return {};
  if (fresh.origin != Origin::measured) return "they are measured";
  if (!same_conditions(*old, fresh)) return {};
  if (!fresh.complete) return "this run is not complete";
  if (!old->complete) return {};
  return is_comparable(*old, fresh) ? worse_measured(*old, fresh) : std::string();
}

std::optional<ProfileSet> successor(const ProfileSet* old, ProfileSet fresh) {
  if (!why_kept(old, fresh).empty()) return std::nullopt;
  if (old != nullptr && same_conditions(*old, fresh)) keep_reports(*old, fresh);
  return fresh;
}

}  // namespace sweetspot::profiles
