// Where a profile set comes from: the one that is stored, or a plan made now. What choosing and
// launching have in common.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/connection.hpp"
#include "app/workplace.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::app {

/// Told that a driver's share is measured, which takes a while.
using OnMeasuringShare = std::function<void(const std::string& device)>;

struct SetSource {
  std::string model_path;
  ModelKey key;
  Connection connection = {};
  profiles::WantedSet wanted = {};
  bool keep_plan = true;  ///< in the data folder, where there is one
  OnMeasuringShare on_measuring = {};
};

/// A set, and where it lies or would lie; the path is empty where there is no data folder.
struct FoundSet {
  ProfileSet set;
  std::string path;
};

/// The set that is meant of those kept for the model and these RPC servers; nothing where there is
/// none. What cannot be read and for what other requests sets are kept is added to `notes`. Error
/// (usage): a workload was asked for and nothing was measured for it.
Result<std::optional<FoundSet>> stored_set(const SetSource& source, const Workplace& workplace,
                                           std::vector<std::string>& notes);

/// A plan takes seconds, so one of another machine or context is made again. A measured set is kept
/// as long as it can be used, and `notes` say why one is not.
bool must_plan(const std::optional<FoundSet>& found, const LiveMachine& live, std::uint32_t min_ctx,
               std::vector<std::string>& notes);

/// Plans with a worker and keeps the set. Errors as those of make_planned_set().
Result<FoundSet> plan_now(const SetSource& source, const Workplace& workplace);

}  // namespace sweetspot::app
