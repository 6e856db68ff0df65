#include "app/set_kept.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "plan/budget.hpp"
#include "profiler/driver_share.hpp"
#include "profiler/libllama_needs.hpp"
#include "profiles/make_set.hpp"
#include "profiles/successor.hpp"
#include "store/driver_share_file.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

SetKept nowhere(std::string why) { return {SetKept::What::nowhere, {}, std::move(why)}; }

// What a device takes beyond the buffers: as measured here, else as usual. Where the driver has
// seen the real figure, the usual one is only a floor under it.
std::uint64_t share_of(const DeviceReport& target, const Run& run,
                       const std::vector<MeasuredShare>& measured) {
  const MeasuredShare wanted = profiler::share_conditions(target, run.engine);
  for (const MeasuredShare& share : measured) {
    if (share.same_conditions(wanted)) return share.high_bytes;
  }
  const plan::DriverShare usual = plan::default_driver_share(target.device);
  const bool seen = std::any_of(run.results.begin(), run.results.end(), [](const Trial& trial) {
    return trial.driver_rise_bytes.has_value();
  });
  return seen ? usual.low_bytes : usual.high_bytes;
}

std::string why_not(const Error& failure) {
  return failure.remedy.empty() ? failure.message : failure.message + "; " + failure.remedy;
}

}  // namespace

std::uint64_t largest_share(const Run& run, const Workplace& workplace) {
  const auto measured = store::load_driver_shares(workplace.driver_shares_path())
                            .value_or(std::vector<MeasuredShare>{});
  std::uint64_t largest = 0;
  for (const DeviceReport& report : run.devices) {
    if (report.device.can_offload()) largest = std::max(largest, share_of(report, run, measured));
  }
  return largest;
}

SetKept keep_set_of(const Run& run, const std::string& model_path,
                    const engine::StartOptions& start, const Workplace& workplace) {
  if (workplace.data_folder.empty()) {
    return nowhere("there is no folder for the user's data; set XDG_DATA_HOME or HOME");
  }
  // One set is kept for a model, and a launch of this one is to generate.
  if (!run.workload.generates() && run.model.kind == ModelKind::decoder) {
    return nowhere("the model generates, and these only read");
  }
  const Result<ModelKey> key = store::model_key(model_path);
  if (!key) return nowhere(why_not(key.error()));
  const Reading<ProfileSet> made = profiles::set_of_run(run, *key, largest_share(run, workplace));
  if (!made) return nowhere(made.reason());
  ProfileSet set = *made;
  profiler::add_libllama_needs(set, start, model_path);
  const std::string path = store::place_of(workplace.data_folder, set);
  std::string why_old;
  const Result<bool> written = store::update_profile_set(path, [&](const ProfileSet* old) {
    why_old = profiles::why_kept(old, set);
    return profiles::successor(old, set);
  });
  if (!written) return nowhere(why_not(written.error()));
  if (!*written) return {SetKept::What::older_stays, path, std::move(why_old)};
  return {SetKept::What::kept, path, {}};
}

std::string sentence(const SetKept& kept) {
  switch (kept.what) {
    case SetKept::What::older_stays:
      return fmt::format(
          "profiles: those of an earlier one are kept, since {}: {}; to replace them, remove them "
          "with sweetspot profiles remove and measure again",
          kept.why, kept.path);
    case SetKept::What::nowhere:
      return "profiles are not kept: " + kept.why;
    case SetKept::What::kept:
      break;
  }
  return "profiles: " + kept.path;
}

}  // namespace sweetspot::app
