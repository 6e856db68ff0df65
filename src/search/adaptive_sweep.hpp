// Which layer count to measure next, so that a handful of trials settles what a full sweep settles.
//
// Ask/tell: no I/O, no clock, the same answers for the same trials. Decisions (the winner of each
// band, of all that is safe, where returns diminish) are judged by drawing possible curves from the
// time model: one is settled when at most 5 % of the curves hold a layer count that nobody measured
// and that wins by more than the tolerance. The next trial is the one that can win most over what
// has been measured, summed over the decisions that are open; of nearly equal ones the one with the
// fewest layers, which is the safest (R33).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model_info.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "search/next_count.hpp"
#include "search/sweep_state.hpp"
#include "search/sweep_step.hpp"

namespace sweetspot::search {

/// Not thread safe.
class AdaptiveSweep {
 public:
  /// `candidates` ascending by layers, each once.
  AdaptiveSweep(std::vector<LayerCandidate> candidates, const ModelInfo& model, SweepRules rules);

  /// The next step, or nothing when everything is settled or nothing is left to try. The same step
  /// again until tell() is called. A step of extent full for the layers told last completes that
  /// trial; any other step is a trial of its own.
  [[nodiscard]] std::optional<SweepStep> ask() const;

  /// What became of the step: the whole trial, with what an earlier step of it gave. A trial that
  /// spilled, or that was throttled or shared its device and lies off the curve, ends the direction
  /// and is not learnt from; so does one that ran out of memory or failed with its whole context in
  /// use, and a second hang. One off the curve without a known cause is asked for again. One that
  /// waited for a processor tells nothing of the device: it is measured anew once the processor is
  /// free, as is one whose speed is too uncertain, and the CPU alone whatever slowed it down: all
  /// others are held against it.
  void tell(const SweepStep& step, const Trial& trial);

  /// Whether the trial of so many layers is known to have spilled: seen by a driver, or from what
  /// was measured since. Every row is judged again by it.
  void know_spilled(int layers, bool spilled);

  /// The counts that lie off the curve of those with fewer layers and were measured twice there,
  /// each with a sentence: what they are is not known, but a device that pages looks like that.
  [[nodiscard]] std::vector<std::pair<int, std::string>> off_the_curve() const;

  [[nodiscard]] SweepRecord record() const;

 private:
  [[nodiscard]] bool falls_off(int layers, const SweepRow& row) const;

  SweepState sweep_;
  SweepTurn turn_;
  int told_ = 0;
};

}  // namespace sweetspot::search
