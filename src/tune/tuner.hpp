// The joint search for the config that serves a workload best.
//
// Ask/tell: no I/O, no clock, the same answers for the same trials. In this order:
//   baseline   llama.cpp's own defaults, as `--fit on` places them: what everything is held
//              against;
//   placement  the CPU alone and one placement more: what matters most where there is little time;
//   context    one change at a time on the best of these, which is loaded: what each change costs
//              that takes other memory (knob_walk.hpp);
//   search     where the weights lie, and what another context makes room for, by a model of time
//              over both (next_config.hpp);
//   threads    and all other knobs, on the best so far;
//   search     again, with what was learned there;
//   load mode  weights read into memory instead of mapped, where the CPU computes with some;
//   finals     winner and baseline in turn (finals.hpp).
// What a trial took is kept by config (arms.hpp), what is known of memory in memory.hpp.
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
#include "tune/arms.hpp"
#include "tune/field.hpp"
#include "tune/finals.hpp"
#include "tune/in_turn.hpp"
#include "tune/knob_walk.hpp"
#include "tune/memory.hpp"
#include "tune/rules.hpp"
#include "tune/space.hpp"

namespace sweetspot::tune {

/// Not thread safe.
class Tuner {
 public:
  /// `options`: every placement with the base context first, then with the other contexts whose
  /// memory was asked (space.hpp).
  Tuner(std::vector<Option> options, const ModelInfo& model, const Rules& rules);

  /// The next step, or nothing when everything is decided. The same until tell() is called.
  /// `hurry`: only what has been found is still compared with the baseline.
  [[nodiscard]] std::optional<Step> ask(bool hurry);

  /// What became of it; `index` is the trial's in Run::results. The config told is that of the
  /// trial.
  void tell(const Trial& trial, std::size_t index);

  /// Trials that came later showed that what was measured of this config spilled.
  void know_spilled(const Config& config);

  /// Whether the trial told last is of one that takes turns now, as its step said.
  [[nodiscard]] bool awaits_turns() const {
    return stage_ == Stage::finals && finals_.awaits_turns();
  }

  /// For that: a judge that says which passes to make, and what came of them, or nothing where they
  /// could not be taken.
  [[nodiscard]] InTurn judge(double max_seconds) const { return {rules_, max_seconds}; }
  void tell_turns(const std::optional<Turns>& turns);

  /// What is known now.
  [[nodiscard]] TuneRecord record() const;

 private:
  enum class Stage {
    baseline,
    placement,
    context,
    search,
    threads,
    search_again,
    load_mode,
    finals,
    done,
  };

  [[nodiscard]] View view() const {
    return {memory_, shape_, arms_, rules_, baseline_, knobs(), cliffs()};
  }
  [[nodiscard]] Cliffs cliffs() const { return {arms_.all(), shape_, rules_}; }
  [[nodiscard]] const Arm* best() const { return arms_.best(baseline_, rules_.tolerance); }
  [[nodiscard]] std::optional<Step> ask_anew() const;
  [[nodiscard]] std::optional<Step> ask_stage();
  [[nodiscard]] std::optional<Step> ask_baseline() const;
  void start_walk(const Config& start, std::vector<std::string> later);
  [[nodiscard]] bool may_be_walked_to(const Config& config) const;
  [[nodiscard]] std::optional<Step> ask_walk();
  [[nodiscard]] std::optional<Step> ask_context();
  [[nodiscard]] std::optional<Step> ask_threads();
  [[nodiscard]] const Arm* where_to_walk(double at_most) const;
  [[nodiscard]] ContextSettings knobs() const;
  [[nodiscard]] std::optional<Step> ask_placement() const;
  [[nodiscard]] std::optional<Step> ask_search() const;
  [[nodiscard]] std::optional<Step> ask_load_mode() const;
  [[nodiscard]] bool is_undecided() const;
  [[nodiscard]] std::string verdict_for_defaults() const;
  [[nodiscard]] bool is_unexpected(const Trial& trial) const;
  [[nodiscard]] bool is_walking() const {
    return stage_ == Stage::context || stage_ == Stage::threads;
  }
  [[nodiscard]] bool is_searching() const {
    return stage_ == Stage::placement || stage_ == Stage::search || stage_ == Stage::search_again;
  }
  void tell_walk(bool may_repeat);

  Rules rules_;
  Memory memory_;
  PlacementShape shape_;
  Config baseline_;
  Finals finals_;
  Stage stage_ = Stage::baseline;
  Arms arms_;
  std::optional<KnobWalk> walk_;
  std::optional<Step> again_;  ///< to be measured once more before anything else
  std::optional<Placement> last_told_;
  int in_vain_ = 0;              ///< loads of the search in a row that brought nothing
  bool last_was_quiet_ = false;  ///< nothing disturbed the trial told last
  bool walked_again_ = false;
  bool cut_short_ = false;  ///< time ended before the search did
};

}  // namespace sweetspot::tune
