// Everything `sweetspot plan` answers, from one set of questions to llama.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/model_info.hpp"
#include "plan/answers.hpp"
#include "plan/budget.hpp"
#include "plan/fit.hpp"
#include "plan/grid.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::plan {

struct PlanRequest {
  Config base;                          ///< what is wanted: its layers (-1 = all), its context
  std::vector<std::uint32_t> contexts;  ///< columns; empty = doubling up to the trained context
  std::vector<CacheTypes> cache_types;  ///< empty = those of `base`
  std::optional<Budgets> budgets;       ///< nothing where no device is here and no size was given
  std::array<double, 3> bands_percent{50, 70, 85};
  std::uint64_t reserve_bytes = 0;
  DriverShare class_share;  ///< of the cards of fit_classes()
  /// Nobody asked for base.server's: they are made as small as the host's memory asks for.
  bool cache_ram_is_default = true;
  bool checkpoints_are_default = true;
  bool layers_are_auto = false;  ///< what is recommended keeps all else as it was asked for
};

struct Plan {
  PlanRequest request;      ///< with its defaults filled in
  int offloadable = 0;      ///< 0 where request.base has no device
  Grid grid;                ///< every layer count from 0 to offloadable
  std::vector<Fit> fits;    ///< of each cell, in the grid's order; empty without budgets
  PlannedMemory wanted;     ///< of request.base
  std::optional<Fit> fit;   ///< of request.base
  PlannedMemory cpu_alone;  ///< of request.base without any device
  std::optional<Fit> cpu_alone_fit;
  /// The largest layers that fit each column, in the grid's order: cache types, contexts.
  std::vector<std::optional<int>> largest_layers;
  std::optional<std::uint32_t> largest_context;  ///< for the layers of request.base
  std::vector<Change> changes;                   ///< where request.base does not fit
  std::optional<Config> recommended;             ///< request.base, or the cheapest change of it
  std::vector<ClassFit> classes;
  /// One context checkpoint of llama-server; 0 where it makes none.
  Reading<std::uint64_t> checkpoint_bytes = Absence{"not asked"};
  /// What the host's memory has room for beside request.base and its mapped weights; absent where
  /// nobody can tell.
  Reading<std::uint64_t> server_room_bytes = Absence{"not asked"};

  /// The configs that can be asked of a device: request.base with the effective layers.
  [[nodiscard]] const PlannedMemory& cell(std::size_t types, std::size_t context,
                                          int layers) const {
    return grid.at(types, context, static_cast<std::size_t>(layers));
  }
};

/// llama.cpp keeps a record of every token of the cache even where it allocates nothing: beyond
/// this a question alone takes minutes and gigabytes. The longest trained context known is 10 Mi.
inline constexpr std::uint32_t kLargestContext = 1U << 24U;

/// What is left of the host's memory for llama-server's own caches when `planned` lies there, its
/// mapped weights too.
Reading<std::uint64_t> server_room(const PlannedMemory& planned, const HostBudget& host);

/// Contexts that people ask for, doubling from 2048 up to what the model was trained for, and the
/// one that is wanted.
std::vector<std::uint32_t> usual_contexts(std::uint32_t n_ctx_train, std::uint32_t wanted);

/// Errors: what cannot be right whatever the device (usage: more sequences than the context has
/// tokens, a context beyond kLargestContext), a base config that llama.cpp refuses (usage, with its
/// reason), those of `source`.
Result<Plan> make_plan(PlanRequest request, const ModelInfo& model, const MapSource& source);

}  // namespace sweetspot::plan
