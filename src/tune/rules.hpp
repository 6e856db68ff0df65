// What a tune is to find, what it must keep to, and what it asks to be measured.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/config.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"
#include "tune/knob_walk.hpp"

namespace sweetspot::tune {

struct Rules {
  Objective objective = Objective::request;
  TuneConstraints constraints;
  Workload workload;
  KnobLimits knobs;         ///< on_cpu and on_device are set by the tuner
  double tolerance = 0.02;  ///< a win by less than this share is not worth another trial
  int final_rounds = 3;     ///< at most, where they agree
  /// Whether the whole model may be read into memory: a mapped file needs none of its own.
  bool may_read_all = false;
  /// What may be taken of the host's memory, its reserve left out, while nothing is loaded.
  Reading<std::uint64_t> host_free_bytes = Absence{"not asked"};
  bool devices_use_host_memory = false;  ///< what lies there counts as the host's
  bool context_costs_a_load = false;  ///< as another placement does: what is loaded is no cheaper
  bool devices_serve_one = false;     ///< only one worker at a time can have them (RPC)
  /// Layers are spread over several devices: then what a placement takes cannot be worked out from
  /// what others take (memory.hpp).
  bool several_devices = false;

  /// Prompt tokens that count for the objective.
  [[nodiscard]] std::uint32_t n_prompt() const {
    return objective == Objective::generation ? 0 : workload.n_prompt;
  }

  /// Whether the user chose this knob, by its JSON name.
  [[nodiscard]] bool is_fixed(std::string_view knob) const {
    return std::find(knobs.fixed.begin(), knobs.fixed.end(), knob) != knobs.fixed.end();
  }
};

/// What to measure next: the config under the rules' workload.
struct Step {
  Config config;
  std::string title;   ///< what tells it from the others
  std::string reason;  ///< what it decides
  Extent extent = Extent::speeds;
  /// Loaded beside it afterwards, where there is room for both: then the two take turns.
  std::optional<Config> in_turn_with = std::nullopt;
  bool loads_anew = false;  ///< even where its weights are loaded
  bool completes = false;   ///< where it was measured just before, what is missing is enough
};

/// One standard deviation of the ratio of two configs that only shows when both are loaded again:
/// no interval of what was measured on one load of each has it.
inline constexpr double kRatioBetweenLoads = 0.007;

/// Where knowing everything would gain less than this share on average, another load is not worth
/// it: on a noisy machine the doubt alone would go through all of them.
inline constexpr double kWorthALoad = 0.01;

/// What costs this much more than was to be expected may have been a neighbour's doing: it is
/// measured once more, and the faster of the two counts, because whoever disturbs only slows down.
inline constexpr double kSurprise = 0.1;

}  // namespace sweetspot::tune
