#include "app/comparing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "app/choosing.hpp"
#include "app/engines.hpp"
#include "app/set_kept.hpp"
#include "core/text.hpp"
#include "profiler/profiler.hpp"
#include "profiles/make_set.hpp"
#include "store/run_place.hpp"

namespace sweetspot::app {
namespace {

Workplace with_engine(Workplace workplace, const std::string& engine) {
  workplace.engine = engine;
  return workplace;
}

// Of a model of which nothing was measured: what a plan says fits.
Result<CheckPlan> plan_for_both(const CheckJob& what, const Workplace& workplace) {
  ChooseJob job;
  job.model_path = what.model_path;
  job.connection = what.connection;
  job.wanted = what.wanted;
  job.set = what.set;
  job.keep_plan = false;
  Result<Chosen> chosen = choose(job, workplace);
  if (!chosen) return tl::unexpected(chosen.error());
  if (!chosen->choice.profile) {
    return tl::unexpected(nothing_to_load(chosen->set, chosen->choice, what.wanted));
  }
  const SavedProfile profile = chosen->set.profiles[*chosen->choice.profile];
  CheckPlan plan;
  plan.before = std::move(chosen->set);
  plan.profile = profile.name;
  Result<profiler::Request> request = request_for(what, plan.before, profile, workplace);
  if (!request) return tl::unexpected(request.error());
  plan.request = *std::move(request);
  return plan;
}

Result<CheckPlan> plan_of(const CheckJob& what, const Workplace& workplace) {
  Result<std::optional<CheckPlan>> stored = plan_of_stored(what, workplace);
  if (!stored) return tl::unexpected(stored.error());
  return *stored ? Result<CheckPlan>(**std::move(stored)) : plan_for_both(what, workplace);
}

/// One of the two, ready to be measured.
struct Side {
  profiler::Profiler profiler;
  std::optional<store::RunPlace> place;  ///< nothing where no run is kept
};

// What is planned for A is measured at `workplace`'s engine.
Result<Side> open_side(const EnginesJob& job, const CheckPlan& plan, const Workplace& workplace) {
  profiler::Request request = plan.request;
  Result<engine::StartOptions> start = start_options(workplace, job.what.connection);
  if (!start) return tl::unexpected(start.error());
  request.start = *std::move(start);
  request.precision = job.precision;
  request.max_seconds = job.max_seconds;
  if (const Status told = check_can_be_told(workplace, request.base); !told) {
    return tl::unexpected(told.error());
  }
  std::optional<store::RunPlace> place;
  if (job.keep) {
    Result<store::RunPlace> taken =
        store::place_for_run(workplace.data_folder, request.model_path, utc_now());
    if (!taken) return tl::unexpected(taken.error());
    place = *std::move(taken);
    request.output_path = place->path();
  }
  Result<profiler::Profiler> profiler = profiler::Profiler::open(std::move(request));
  if (!profiler) return tl::unexpected(profiler.error());
  // It holds devices, and the other one is looked at next.
  profiler->rest();
  return Side{*std::move(profiler), std::move(place)};
}

Status problem_of(const profiler::RunOutcome& outcome, const char* name,
                  const std::string& engine) {
  if (outcome.save_error) return tl::unexpected(*outcome.save_error);
  if (outcome.interrupted) return error(ErrorKind::interrupted, "interrupted");
  if (outcome.run.results.empty()) return {};
  const Trial& trial = outcome.run.results.back();
  if (!trial.failure) return {};
  return error(ErrorKind::nothing_measurable,
               fmt::format("{} ({}) could not be measured: {}", name, shortened(engine),
                           trial.failure->message));
}

ProfileSet set_of(const profiler::RunOutcome& outcome, const CheckPlan& plan,
                  const Workplace& workplace) {
  const auto index =
      static_cast<std::size_t>(&last_whole(outcome.run) - outcome.run.results.data());
  return profiles::set_of_trial(outcome.run, index, plan.profile, plan.before.model,
                                largest_share(outcome.run, workplace));
}

}  // namespace

const Trial& last_whole(const Run& run) {
  return *std::find_if(run.results.rbegin(), run.results.rend(),
                       [](const Trial& trial) { return trial.extent != Extent::generation_only; });
}

Result<EnginesCompared> compare_engines(const EnginesJob& job, const profiler::Observer& observer,
                                        const Workplace& workplace) {
  const Workplace at_a = with_engine(workplace, job.engines[0]);
  const Workplace at_b = with_engine(workplace, job.engines[1]);
  const Result<CheckPlan> plan = plan_of(job.what, at_a);
  if (!plan) return tl::unexpected(plan.error());
  Result<Side> a = open_side(job, *plan, at_a);
  if (!a) return tl::unexpected(a.error());
  Result<Side> b = open_side(job, *plan, at_b);
  if (!b) return tl::unexpected(b.error());
  EnginesCompared compared;
  compared.profile = plan->profile;
  compared.notes = plan->notes;
  if (job.keep) compared.paths = {a->place->path(), b->place->path()};
  compared.duel = profiler::duel({a->profiler.all_prepared(), a->profiler.site()},
                                 {b->profiler.all_prepared(), b->profiler.site()},
                                 a->profiler.all_prepared().request.base, job.rules, observer);
  for (const auto& [outcome, name, engine] : {std::tuple{&compared.duel.a, "A", &job.engines[0]},
                                              std::tuple{&compared.duel.b, "B", &job.engines[1]}}) {
    if (const Status fine = problem_of(*outcome, name, *engine); !fine) {
      return tl::unexpected(fine.error());
    }
  }
  if (compared.duel.rounds.empty()) {
    return error(ErrorKind::nothing_measurable, "nothing could be compared",
                 "measure again with nothing else running, or longer (--max-seconds)");
  }
  compared.a = set_of(compared.duel.a, *plan, workplace);
  compared.b = set_of(compared.duel.b, *plan, workplace);
  return compared;
}

}  // namespace sweetspot::app
