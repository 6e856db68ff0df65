#include "app/set_source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "app/engines.hpp"
#include "app/workload_presets.hpp"
#include "devices/sources.hpp"
#include "profiler/planned_set.hpp"
#include "profiles/choose.hpp"
#include "profiles/successor.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

bool serves_context(const ProfileSet& set, std::uint32_t min_ctx) {
  for (const SavedProfile& profile : set.profiles) {
    if (profile.config.context.n_ctx >= min_ctx) return true;
  }
  return false;
}

Result<profiler::PlanJob> plan_job(const SetSource& source, const Workplace& workplace) {
  profiler::PlanJob job;
  job.model_path = source.model_path;
  Result<engine::StartOptions> start = start_options(workplace, source.connection);
  if (!start) return tl::unexpected(start.error());
  job.start = *std::move(start);
  if (source.wanted.min_ctx > job.base.context.n_ctx) {
    job.base.context.n_ctx = source.wanted.min_ctx;
    job.n_ctx_is_default = false;
  }
  job.driver_shares_path = workplace.driver_shares_path();
  job.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  job.on_measuring = source.on_measuring;
  return job;
}

Status keep_plan(const std::string& path, const ProfileSet& set) {
  const auto kept = store::update_profile_set(
      path, [&](const ProfileSet* old) { return profiles::successor(old, set); });
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

// Where the user names an engine, profiles of another one are none.
bool is_for_engine(const ProfileSet& set, const Workplace& workplace) {
  if (workplace.engine.empty()) return true;
  if (workplace.engine == kLinkedEngine) return set.engine.empty();
  const auto command = servers::command_of(workplace.engine, servers::default_find_places().path);
  return !command || servers::text_of(*command) == set.engine;
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

Result<std::optional<FoundSet>> stored_set(const SetSource& source, const Workplace& workplace,
                                           std::vector<std::string>& notes) {
  std::vector<ProfileSet> sets;
  std::vector<std::string> paths;
  if (!workplace.data_folder.empty()) {
    for (store::StoredSet& stored :
         store::profile_sets_of(workplace.data_folder, source.key, source.connection.rpc)) {
      if (stored.set && !is_for_engine(*stored.set, workplace)) continue;
      if (!stored.set) {
        notes.push_back("stored profiles are not used: " + stored.set.error().message);
        continue;
      }
      sets.push_back(*std::move(stored.set));
      paths.push_back(std::move(stored.path));
    }
  }
  const std::optional<std::size_t> picked = profiles::pick_set(sets, source.wanted);
  if (!picked && source.wanted.workload) return nothing_for(*source.wanted.workload, sets);
  if (!picked) return std::optional<FoundSet>();
  if (const std::string others = other_workloads(sets, *picked); !others.empty()) {
    notes.push_back(fmt::format("chosen for {}; profiles are kept for {} too, see --workload",
                                workload_in_words(sets[*picked].workload), others));
  }
  return std::optional<FoundSet>({std::move(sets[*picked]), std::move(paths[*picked])});
}

bool must_plan(const std::optional<FoundSet>& found, const LiveMachine& live, std::uint32_t min_ctx,
               std::vector<std::string>& notes) {
  if (!found) return true;
  const profiles::Staleness stale = profiles::staleness(found->set, live);
  if (found->set.origin != Origin::measured) {
    return !stale.changed.empty() || !serves_context(found->set, min_ctx);
  }
  if (stale.usable) return false;
  notes.push_back(
      fmt::format("the measured profiles are not used any more: {}; measure again "
                  "with sweetspot profile",
                  fmt::join(stale.changed, "; ")));
  return true;
}

Result<FoundSet> plan_now(const SetSource& source, const Workplace& workplace) {
  const Result<profiler::PlanJob> job = plan_job(source, workplace);
  if (!job) return tl::unexpected(job.error());
  Result<ProfileSet> set = profiler::make_planned_set(*job, source.key);
  if (!set && set.error().kind == ErrorKind::usage && !job->n_ctx_is_default) {
    return error(
        ErrorKind::usage,
        fmt::format("--min-ctx {} is more context than this model takes", source.wanted.min_ctx),
        "ask for less; sweetspot inspect shows what it was trained for");
  }
  if (!set) return tl::unexpected(set.error());
  FoundSet planned{*std::move(set), {}};
  if (workplace.data_folder.empty()) return planned;
  planned.path = store::profile_set_path(workplace.data_folder, source.key, source.connection.rpc);
  // A set that was planned for a longer context than usual is not kept, because the next command
  // would get it without having asked for that context.
  if (!source.keep_plan || !job->n_ctx_is_default) return planned;
  if (const Status kept = keep_plan(planned.path, planned.set); !kept) {
    return tl::unexpected(kept.error());
  }
  return planned;
}

}  // namespace sweetspot::app
