#include "cli/set_source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/print.hpp"
#include "cli/workload_option.hpp"
#include "core/text.hpp"
#include "devices/sources.hpp"
#include "profiler/planned_set.hpp"
#include "profiles/choose.hpp"
#include "profiles/successor.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::cli {
namespace {

bool serves_context(const ProfileSet& set, std::uint32_t min_ctx) {
  for (const SavedProfile& profile : set.profiles) {
    if (profile.config.context.n_ctx >= min_ctx) return true;
  }
  return false;
}

Result<profiler::PlanJob> plan_job(const SetSource& source, const Environment& environment,
                                   std::uint32_t min_ctx) {
  profiler::PlanJob job;
  job.model_path = source.model_path;
  Result<engine::StartOptions> start = start_options(environment, source.connection);
  if (!start) return tl::unexpected(start.error());
  job.start = *std::move(start);
  if (min_ctx > job.base.context.n_ctx) {
    job.base.context.n_ctx = min_ctx;
    job.n_ctx_is_default = false;
  }
  if (!environment.data_folder.empty()) {
    job.driver_shares_path = environment.data_folder + "/driver-shares.json";
  }
  job.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  job.on_measuring = [&environment](const std::string& device) {
    say(environment.err, "measuring what the driver of {} itself takes (once per driver)\n",
        printable(device));
  };
  return job;
}

Status keep(const std::string& path, const ProfileSet& set) {
  const auto kept = store::update_profile_set(path, [&](const ProfileSet* old) {
    return profiles::successor(old, set, /*complete=*/true);
  });
  if (!kept) return tl::unexpected(kept.error());
  return {};
}

// Of the measured sets other than `picked`; empty where there is none.
std::string other_workloads(const std::vector<ProfileSet>& sets, std::size_t picked) {
  std::vector<std::string> others;
  for (const ProfileSet& set : sets) {
    const bool same = profiles::same_requests(set.workload, sets[picked].workload);
    const std::string words = workload_in_words(set.workload);
    const bool said = std::find(others.begin(), others.end(), words) != others.end();
    if (set.origin == Origin::measured && !same && !said) others.push_back(words);
  }
  return fmt::format("{}", fmt::join(others, ", "));
}

tl::unexpected<Error> nothing_for(const Workload& workload, const std::vector<ProfileSet>& sets) {
  std::string kept;
  for (const ProfileSet& set : sets) {
    if (set.origin != Origin::measured) continue;
    kept += (kept.empty() ? "" : ", ") + workload_in_words(set.workload);
  }
  return error(ErrorKind::usage,
               fmt::format("nothing was measured for --workload {}", workload_in_words(workload)),
               kept.empty() ? "measure it with sweetspot tune"
                            : "measure it with sweetspot tune, or take " + kept);
}

}  // namespace

std::string path_of_set(const Environment& environment, const ModelKey& key,
                        const std::vector<std::string>& rpc) {
  if (environment.data_folder.empty()) return {};
  return store::profile_set_path(environment.data_folder, key, rpc);
}

Result<std::optional<KeptSet>> stored_set(const Environment& environment, const ModelKey& key,
                                          const std::vector<std::string>& rpc,
                                          const profiles::WantedSet& wanted,
                                          std::vector<std::string>& notes) {
  std::vector<ProfileSet> sets;
  std::vector<std::string> paths;
  if (!environment.data_folder.empty()) {
    for (store::StoredSet& stored : store::profile_sets_of(environment.data_folder, key, rpc)) {
      if (!stored.set) {
        notes.push_back("stored profiles are not used: " + stored.set.error().message);
        continue;
      }
      sets.push_back(*std::move(stored.set));
      paths.push_back(std::move(stored.path));
    }
  }
  const std::optional<std::size_t> picked = profiles::pick_set(sets, wanted);
  if (!picked && wanted.workload) return nothing_for(*wanted.workload, sets);
  if (!picked) return std::optional<KeptSet>();
  if (const std::string others = other_workloads(sets, *picked); !others.empty()) {
    notes.push_back(fmt::format("chosen for {}; profiles are kept for {} too, see --workload",
                                workload_in_words(sets[*picked].workload), others));
  }
  return std::optional<KeptSet>({std::move(sets[*picked]), std::move(paths[*picked])});
}

bool must_plan(const std::optional<ProfileSet>& set, const LiveMachine& live, std::uint32_t min_ctx,
               std::vector<std::string>& notes) {
  if (!set) return true;
  const profiles::Staleness stale = profiles::staleness(*set, live);
  if (set->origin != Origin::measured) {
    return !stale.changed.empty() || !serves_context(*set, min_ctx);
  }
  if (stale.usable) return false;
  notes.push_back(
      fmt::format("the measured profiles are not used any more: {}; measure again "
                  "with sweetspot profile",
                  fmt::join(stale.changed, "; ")));
  return true;
}

Result<ProfileSet> plan_now(const SetSource& source, const Environment& environment,
                            const ModelKey& key, std::uint32_t min_ctx, const std::string& path) {
  const Result<profiler::PlanJob> job = plan_job(source, environment, min_ctx);
  if (!job) return tl::unexpected(job.error());
  Result<ProfileSet> set = profiler::make_planned_set(*job, key);
  if (!set && set.error().kind == ErrorKind::usage && !job->n_ctx_is_default) {
    return error(ErrorKind::usage,
                 fmt::format("--min-ctx {} is more context than this model takes", min_ctx),
                 "ask for less; sweetspot inspect shows what it was trained for");
  }
  if (!set) return set;
  // A set for a longer context than usual would be a poor answer to the next question.
  if (source.no_store || path.empty() || !job->n_ctx_is_default) return set;
  if (const Status kept = keep(path, *set); !kept) return tl::unexpected(kept.error());
  return set;
}

}  // namespace sweetspot::cli
