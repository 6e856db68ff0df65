// What to load now: of a model's profiles the best that fits this machine at this moment.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/connection.hpp"
#include "app/set_source.hpp"
#include "app/workplace.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "export/export.hpp"
#include "profiles/choose.hpp"
#include "profiles/pick_set.hpp"
#include "servers/read.hpp"

namespace sweetspot::app {

struct ChooseJob {
  std::string model_path;
  Connection connection = {};
  profiles::Requirements wanted = {};
  profiles::WantedSet set = {};
  HostProgram host_program = HostProgram::llama_server;  ///< that will load the profile
  bool keep_plan = true;                                 ///< of a set that had to be planned
  OnMeasuringShare on_measuring = {};
};

/// What was chosen from, and what has to be said of it.
struct Chosen {
  ProfileSet set;  ///< as the host program sees it
  LiveMachine live;
  std::vector<std::string> notes;  ///< sentences without full stops
  profiles::Choice choice;         ///< where nothing may be loaded it says why
  /// The llama-server that the profiles are for; nothing = the llama.cpp sweetspot is built with.
  std::shared_ptr<const servers::ServerCard> engine = {};
};

/// The stored set, else one that is planned now, and the choice. Errors: those of model_key(),
/// stored_set(), plan_now() and LiveView::problem(); usage: the set has no profile of that name.
Result<Chosen> choose(const ChooseJob& job, const Workplace& workplace);

/// Why nothing of the set may be loaded, and what to do about it.
Error nothing_to_load(const ProfileSet& set, const profiles::Choice& choice,
                      const profiles::Requirements& wanted);

/// There is no profile of the name that is wanted; names those that there are. Of kind usage.
Error no_such_profile(const ProfileSet& set, const profiles::Requirements& wanted);

/// The config of one of its profiles, with no more of the host's memory for llama-server's own
/// caches than is there now. The model is known.
Config config_now(const Chosen& chosen, const SavedProfile& profile);

/// Who is meant to load what is exported: llama-server where nobody else is.
Loader loader_for(const std::optional<exporting::Format>& format);

/// The chosen profile of each model in another program's words, as one document. Requires
/// choice.profile of each. Errors as those of export_together().
Result<exporting::Exported> export_chosen(std::span<const Chosen> chosen, exporting::Format format);

}  // namespace sweetspot::app
