// A plan for this machine: its devices, its free memory, its drivers' share, and llama.cpp's own
// answers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/reading.hpp"
#include "devices/sampler.hpp"
#include "engine/worker.hpp"
#include "plan/budget.hpp"
#include "plan/plan_record.hpp"
#include "profiler/events.hpp"

namespace sweetspot::profiler {

/// Host memory of the machine that is planned for, where it is not this one.
struct DescribedHost {
  std::uint64_t total_bytes = 0;
  std::uint64_t reserve_bytes = 0;  ///< left to its system
};

struct PlanJob {
  std::string model_path;
  Config base;
  bool n_ctx_is_default = true;  ///< nobody asked for base.context.n_ctx
  bool layers_are_auto = false;  ///< where it does not fit, layers give way and nothing else
  bool allow_beyond_trained_context = false;
  std::vector<std::uint32_t> contexts;        ///< columns; empty = the usual ones
  std::vector<plan::CacheTypes> cache_types;  ///< empty = those of `base`
  /// Several limits are a machine's cards, in order. Where it is not this one (another number of
  /// devices is here), all of them are stand-ins.
  plan::BudgetRules rules;
  std::optional<DescribedHost> host;  ///< nothing = this machine's, as it is now
  bool cache_ram_is_default = true;   ///< nobody asked for base.server.cache_ram_mib
  bool checkpoints_are_default = true;
  /// Told by the user; otherwise what was measured here, otherwise a stated default.
  Reading<std::uint64_t> driver_share_bytes = Absence{"not given"};
  /// Where measured shares are kept. Empty: nothing is looked up and nothing is measured.
  std::string driver_shares_path;
  engine::StartOptions start;
  devices::SourceFactory sources;
  std::function<void(double fraction)> on_progress;
  std::function<void(const std::string& device)> on_measuring;  ///< a driver's share is measured
  Observer observer;                                            ///< of that measurement
};

/// Starts a worker (and a stand-in for each card that is not here), asks, and ends them. Without a
/// device, a size of a card and somebody to stand in for one it plans for the processor alone.
/// Errors as those of Profiler::open and plan::make_plan.
Result<plan::PlanRecord> make_plan(PlanJob job);

}  // namespace sweetspot::profiler
