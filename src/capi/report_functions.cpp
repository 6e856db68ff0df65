#include <sweetspot/sweetspot.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "capi/c_values.hpp"
#include "capi/handles.hpp"
#include "core/text.hpp"
#include "profiles/choose.hpp"
#include "profiles/held.hpp"
#include "store/profile_set_file.hpp"

namespace {

using namespace sweetspot::capi;  // NOLINT(google-build-using-namespace)
using sweetspot::Absence;
using sweetspot::LoadReport;
using sweetspot::LoadResult;
using sweetspot::ProfileSet;
using sweetspot::Reading;
using sweetspot::SavedProfile;

LoadResult result_of(std::int32_t result) {
  switch (result) {
    case SWEETSPOT_LOADED:
      return LoadResult::loaded;
    case SWEETSPOT_OUT_OF_MEMORY:
      return LoadResult::out_of_memory;
    case SWEETSPOT_CRASHED:
      return LoadResult::crashed;
    case SWEETSPOT_TIMED_OUT:
      return LoadResult::timed_out;
    default:
      bad_argument("result is no sweetspot_result");
  }
}

Reading<std::uint64_t> figure(std::uint64_t bytes) {
  if (bytes == 0 || bytes == SWEETSPOT_UNKNOWN) return Absence{"not reported"};
  return bytes;
}

// What was free on the device when the profile was chosen.
Reading<std::uint64_t> free_when_chosen(const sweetspot_choice& choice, const ProfileSet& set,
                                        const LoadReport& report) {
  const SavedProfile* const profile = set.find(report.profile);
  std::string id = report.device;
  if (id.empty() && profile != nullptr && profile->needs && !profile->needs->empty()) {
    id = profile->needs->front().device;
  }
  return sweetspot::profiles::free_now(set, choice.live, id);
}

LoadReport report_of(const sweetspot_report& given, const ProfileSet& set,
                     const sweetspot_choice* choice) {
  LoadReport report;
  report.profile = text_or_empty(given.profile);
  if (set.find(report.profile) == nullptr) {
    bad_argument("the set has no profile \"" + report.profile + "\"");
  }
  report.result = result_of(given.result);
  report.device = text_or_empty(given.device);
  report.free_bytes = figure(given.free_bytes);
  if (!report.free_bytes && choice != nullptr) {
    report.free_bytes = free_when_chosen(*choice, set, report);
  }
  report.peak_bytes = figure(given.peak_bytes);
  report.at = sweetspot::utc_now();
  const bool says_who = given.program != nullptr || given.arguments != nullptr;
  report.loader =
      says_who || choice == nullptr ? loader_of(given.program, given.arguments) : choice->loader;
  return report;
}

void add_to(ProfileSet& set, const LoadReport& report) {
  set.reports.push_back(report);
  const std::size_t most = sweetspot::kKeptReports;
  if (set.reports.size() <= most) return;
  set.reports.erase(set.reports.begin(), set.reports.end() - static_cast<std::ptrdiff_t>(most));
}

std::shared_ptr<const ShownSet> shown_stand_in(const sweetspot_set& set) {
  const std::lock_guard lock(set.mutex);
  return set.stand_in.shown;
}

void keep_in_memory(sweetspot_set& set, Reported& which, const LoadReport& report) {
  const std::lock_guard lock(set.mutex);
  auto next = std::make_shared<ProfileSet>(*which.current);
  add_to(*next, report);
  which.current = std::move(next);
}

void forget_in_memory(sweetspot_set& set, const std::string& profile) {
  const std::lock_guard lock(set.mutex);
  for (Reported* which : {&set.kept, &set.stand_in}) {
    if (!which->current) continue;
    which->current = std::make_shared<const ProfileSet>(
        sweetspot::profiles::without_reports(*which->current, profile));
  }
}

// Another process may have stored a set meanwhile: the report goes to that one, if it has the
// profile. A damaged file stays as it is.
sweetspot::Status keep_on_disk(const sweetspot_set& set, const LoadReport& report) {
  if (set.path.empty()) return {};
  const auto successor = [&](const ProfileSet* old) -> std::optional<ProfileSet> {
    std::error_code ignored;
    if (old == nullptr && std::filesystem::exists(set.path, ignored)) return std::nullopt;
    ProfileSet next = old == nullptr ? set.as_made : *old;
    if (next.find(report.profile) == nullptr) return std::nullopt;
    add_to(next, report);
    return next;
  };
  const auto written = sweetspot::store::update_profile_set(set.path, successor);
  if (!written) return tl::unexpected(written.error());
  return {};
}

}  // namespace

sweetspot_status sweetspot_report_load(sweetspot_library* lib, sweetspot_set* set,
                                       const sweetspot_choice* choice,
                                       const sweetspot_report* report, char** error) {
  return guarded(error, [&] {
    require(lib, "lib");
    require(set, "set");
    require(report, "report");
    // The defaults stand in for a set of another card, which must stay: a report of them is not
    // written over it.
    const bool of_stand_in = choice != nullptr && choice->shown == shown_stand_in(*set);
    const ShownSet& shown = of_stand_in ? *choice->shown : *set->shown;
    const LoadReport made = report_of(read_in(report), shown.set(), choice);
    keep_in_memory(*set, of_stand_in ? set->stand_in : set->kept, made);
    if (of_stand_in) return SWEETSPOT_OK;
    const sweetspot::Status kept = keep_on_disk(*set, made);
    if (!kept) return fail(error, fault_of(kept.error(), SWEETSPOT_ERROR_OUTPUT));
    return SWEETSPOT_OK;
  });
}

sweetspot_status sweetspot_forget_reports(sweetspot_library* lib, sweetspot_set* set,
                                          const char* profile, char** error) {
  return guarded(error, [&] {
    require(lib, "lib");
    require(set, "set");
    const std::string name = text_or_empty(profile);
    forget_in_memory(*set, name);
    if (set->path.empty()) return SWEETSPOT_OK;
    const auto written = sweetspot::store::update_profile_set(
        set->path, [&](const ProfileSet* old) -> std::optional<ProfileSet> {
          if (old == nullptr || old->reports.empty()) return std::nullopt;
          return sweetspot::profiles::without_reports(*old, name);
        });
    if (!written) return fail(error, fault_of(written.error(), SWEETSPOT_ERROR_OUTPUT));
    return SWEETSPOT_OK;
  });
}
