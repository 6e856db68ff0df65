// A stored profile, measured again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/connection.hpp"
#include "app/workplace.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "core/run.hpp"
#include "profiler/request.hpp"
#include "profiles/choose.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::app {

struct CheckJob {
  std::string model_path;
  Connection connection = {};
  profiles::Requirements wanted = {};
  profiles::WantedSet set = {};
};

/// What is measured again, and how.
struct CheckPlan {
  ProfileSet before;                    ///< as it is stored
  std::string profile;                  ///< its name
  profiler::Request request;            ///< as it was measured then; `base` is the profile's config
  std::vector<std::string> notes = {};  ///< sentences without full stops
};

/// How a profile of `set` is measured as it was then, at `workplace`'s engine. Errors as those of
/// start_options().
Result<profiler::Request> request_for(const CheckJob& job, const ProfileSet& set,
                                      const SavedProfile& profile, const Workplace& workplace);

/// The profile that choose() gives now of those that were measured, and the engine that they were
/// measured with unless the user names another one; nothing where nothing measured is kept for the
/// model. Starts a worker that lists devices. Errors: no profile of that name (usage), it does not
/// fit now or the set is another card's (nothing_measurable), and those of model_key(),
/// stored_set() and start_options().
Result<std::optional<CheckPlan>> plan_of_stored(const CheckJob& job, const Workplace& workplace);

/// The same, with an error (usage) where nothing measured is kept for the model.
Result<CheckPlan> plan_check(const CheckJob& job, const Workplace& workplace);

/// The set of the profile alone, as the last trial of `run` found it. The run has one.
ProfileSet found_again(const Run& run, const CheckPlan& plan, const Workplace& workplace);

}  // namespace sweetspot::app
