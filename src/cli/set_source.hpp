// Where a profile set comes from: the one that is stored, or a plan made now. What choosing and
// launching have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/connection.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::cli {

struct SetSource {
  std::string model_path;
  ConnectionOptions connection;
  bool no_store = false;  ///< a plan is not kept
};

/// Where a planned set of the model and these RPC servers lies; empty where there is no data
/// folder.
std::string path_of_set(const Environment& environment, const ModelKey& key,
                        const std::vector<std::string>& rpc);

struct KeptSet {
  ProfileSet set;
  std::string path;
};

/// The set that is meant of those kept for the model and these RPC servers; nothing where there is
/// none. The user is told what cannot be read and for what other requests sets are kept. Error
/// (usage): a workload was asked for and nothing was measured for it.
Result<std::optional<KeptSet>> stored_set(const Environment& environment, const ModelKey& key,
                                          const std::vector<std::string>& rpc,
                                          const profiles::WantedSet& wanted,
                                          std::vector<std::string>& notes);

/// A plan costs nothing: one that no longer speaks of this machine or of this context is made
/// again. A measured set is kept as long as it can be used.
bool must_plan(const std::optional<ProfileSet>& set, const LiveMachine& live, std::uint32_t min_ctx,
               std::vector<std::string>& notes);

/// Plans with a worker and keeps the set at `path`. Errors as those of make_planned_set().
Result<ProfileSet> plan_now(const SetSource& source, const Environment& environment,
                            const ModelKey& key, std::uint32_t min_ctx, const std::string& path);

}  // namespace sweetspot::cli
