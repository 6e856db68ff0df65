// The joint search for the config that serves a workload best.
//
// Ask/tell: no I/O, no clock, the same answers for the same trials. In this order:
//   baseline   llama.cpp's own defaults, as `--fit on` places them: what everything is held
//              against;
//   placement  where the weights lie (placement_search.hpp), by the time model;
//   context    one change at a time on the placement that is best so far: no load (knob_walk.hpp);
//   trade      memory that another context frees, spent on a placement that did not fit before
//              (trade.hpp);
//   threads    and the pieces of the prompt again, where a trade won;
//   load mode  weights read into memory instead of mapped, where the CPU computes with some;
//   finals     winner and baseline in turn (finals.hpp).
// What a trial took is kept by config (tune_arms.hpp), what is known of memory in tune_memory.hpp.
// What is returned is never slower than the baseline, as far as was measured.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"
#include "search/finals.hpp"
#include "search/knob_walk.hpp"
#include "search/placement_costs.hpp"
#include "search/placement_search.hpp"
#include "search/tune_arms.hpp"
#include "search/tune_memory.hpp"
#include "search/tune_rules.hpp"
#include "search/tune_space.hpp"

namespace sweetspot::search {

/// Not thread safe.
class Tuner {
 public:
  /// `options`: every placement with the base context first, then with the other contexts whose
  /// memory was asked (tune_space.hpp).
  Tuner(std::vector<TuneOption> options, const ModelInfo& model, const TuneRules& rules);

  /// The next step, or nothing when everything is decided. The same until tell() is called.
  /// `hurry`: only what has been found is still compared with the baseline.
  [[nodiscard]] std::optional<TuneStep> ask(bool hurry);

  /// What became of it; `index` is the trial's in Run::results. The config told is that of the
  /// trial.
  void tell(const Trial& trial, std::size_t index);

  /// What is known now.
  [[nodiscard]] TuneRecord record() const;

 private:
  enum class Stage { baseline, placement, context, trade, threads, load_mode, finals, done };

  [[nodiscard]] PlacementView view() const { return {memory_, costs_, arms_, rules_, baseline_}; }
  [[nodiscard]] const Arm* best() const { return arms_.best(baseline_, rules_.tolerance); }
  [[nodiscard]] std::optional<TuneStep> ask_stage();
  [[nodiscard]] std::optional<TuneStep> ask_baseline() const;
  [[nodiscard]] std::optional<TuneStep> ask_again() const;
  void start_walk(std::vector<std::string> also_fixed);
  [[nodiscard]] std::optional<TuneStep> ask_walk();
  [[nodiscard]] std::optional<TuneStep> ask_context();
  [[nodiscard]] std::optional<TuneStep> ask_threads();
  [[nodiscard]] Config best_of_walk() const;
  [[nodiscard]] std::optional<TuneStep> ask_trade() const;
  [[nodiscard]] std::optional<TuneStep> ask_load_mode() const;
  [[nodiscard]] bool is_unexpected(const Trial& trial) const;
  [[nodiscard]] bool is_walking() const {
    return stage_ == Stage::context || stage_ == Stage::threads;
  }
  void tell_walk();

  TuneRules rules_;
  TuneMemory memory_;
  PlacementCosts costs_;
  Config baseline_;
  Finals finals_;
  Stage stage_ = Stage::baseline;
  Arms arms_;
  std::optional<KnobWalk> walk_;
  std::optional<TuneStep> again_;  ///< to be measured once more before anything else
  std::optional<Placement> last_told_;
  int trades_ = 0;
  bool walked_again_ = false;
};

}  // namespace sweetspot::search
