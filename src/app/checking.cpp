#include "app/checking.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "app/choosing.hpp"
#include "app/live_view.hpp"
#include "app/set_engine.hpp"
#include "app/set_kept.hpp"
#include "app/set_source.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "devices/sources.hpp"
#include "profiles/limit_threads.hpp"
#include "profiles/make_set.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::app {
namespace {

// A tune measures the prompt first, and the generation behind it.
bool measured_as_request(const ProfileSet& set) {
  return set.objective == Objective::request || set.objective == Objective::energy ||
         set.find("tuned") != nullptr;
}

Result<const SavedProfile*> chosen_of(const ProfileSet& set, const LiveMachine& live,
                                      const profiles::Requirements& wanted) {
  if (wanted.by_name() && set.find(wanted.profile) == nullptr) {
    return tl::unexpected(no_such_profile(set, wanted));
  }
  const profiles::Choice choice = profiles::choose(set, live, wanted);
  if (!choice.usable) {
    return error(ErrorKind::nothing_measurable, choice.reason,
                 "measure again with sweetspot profile");
  }
  const SavedProfile* const chosen = choice.profile ? &set.profiles[*choice.profile] : nullptr;
  if (chosen == nullptr || (wanted.by_name() && chosen->name != wanted.profile)) {
    const std::string why = choice.passed.empty() ? choice.reason : choice.passed.front().why_not;
    return error(ErrorKind::nothing_measurable,
                 fmt::format("{} cannot be loaded now: {}",
                             wanted.by_name() ? wanted.profile : "a profile", why),
                 "free memory, or name another profile with --profile");
  }
  return chosen;
}

// The profiles of any engine: --engine says what they are held against.
Result<std::optional<FoundSet>> stored_of(const SetSource& source, const Workplace& workplace,
                                          std::vector<std::string>& notes) {
  Workplace any = workplace;
  any.engine.clear();
  return stored_set(source, any, notes);
}

Result<SetSource> source_for_check(const CheckJob& job) {
  Result<ModelKey> key = store::model_key(job.model_path);
  if (!key) return tl::unexpected(key.error());
  SetSource source;
  source.model_path = job.model_path;
  source.key = *std::move(key);
  source.connection = job.connection;
  source.wanted = job.set;
  return source;
}

}  // namespace

Result<profiler::Request> request_for(const CheckJob& job, const ProfileSet& set,
                                      const SavedProfile& profile, const Workplace& workplace) {
  profiler::Request request;
  request.model_path = job.model_path;
  request.base = profile.config;
  request.n_ctx_is_default = false;
  request.workload = set.workload;
  request.as_request = measured_as_request(set);
  request.bands = set.bands;
  // It was allowed then.
  request.allow_beyond_trained_context = true;
  Result<engine::StartOptions> start = start_options(workplace, job.connection);
  if (!start) return tl::unexpected(start.error());
  request.start = *std::move(start);
  request.sources = devices::system_sources(devices::source_options(/*wake=*/true));
  return request;
}

Result<std::optional<CheckPlan>> plan_of_stored(const CheckJob& job, const Workplace& workplace) {
  const Result<SetSource> source = source_for_check(job);
  if (!source) return tl::unexpected(source.error());
  CheckPlan plan;
  Result<std::optional<FoundSet>> found = stored_of(*source, workplace, plan.notes);
  if (!found) return tl::unexpected(found.error());
  if (!*found || (*found)->set.origin != Origin::measured) return std::nullopt;
  plan.before = std::move((*found)->set);
  const Workplace same = with_engine_of_set(*source, workplace, plan.notes);
  LiveView view(same, job.connection, /*may_wake=*/true);
  if (view.problem()) return tl::unexpected(*view.problem());
  LiveMachine live = view.now();
  live.model = source->key;
  std::string fewer = profiles::limit_threads(plan.before, devices::this_machine());
  if (!fewer.empty()) plan.notes.push_back(std::move(fewer));
  const Result<const SavedProfile*> profile = chosen_of(plan.before, live, job.wanted);
  if (!profile) return tl::unexpected(profile.error());
  plan.profile = (*profile)->name;
  Result<profiler::Request> request = request_for(job, plan.before, **profile, same);
  if (!request) return tl::unexpected(request.error());
  plan.request = *std::move(request);
  return plan;
}

Result<CheckPlan> plan_check(const CheckJob& job, const Workplace& workplace) {
  Result<std::optional<CheckPlan>> plan = plan_of_stored(job, workplace);
  if (!plan) return tl::unexpected(plan.error());
  if (*plan) return **std::move(plan);
  return error(ErrorKind::usage,
               fmt::format("no measured profiles are kept for {}", shortened(job.model_path)),
               "measure it with sweetspot profile");
}

ProfileSet found_again(const Run& run, const CheckPlan& plan, const Workplace& workplace) {
  return profiles::set_of_trial(run, run.results.size() - 1, plan.profile, plan.before.model,
                                largest_share(run, workplace));
}

}  // namespace sweetspot::app
