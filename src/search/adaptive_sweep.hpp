// Which layer count to measure next, so that a handful of trials settles what a full sweep settles.
//
// Ask/tell: no I/O, no clock, the same answers for the same trials. Decisions (the winner of each
// band, of all that is safe, where returns diminish) are judged by drawing possible curves from the
// time model: one is settled when at most 5 % of the curves hold a layer count that nobody measured
// and that wins by more than the tolerance. The next trial is the one that can win most over what
// has been measured, summed over the decisions that are open; of nearly equal ones the one with the
// fewest layers, which is the safest (R33).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model_info.hpp"
#include "core/profile.hpp"
#include "core/reading.hpp"
#include "core/sweep_record.hpp"
#include "core/trial.hpp"
#include "search/cliff.hpp"
#include "search/decisions.hpp"
#include "search/depth_growth.hpp"
#include "search/layer_shape.hpp"
#include "search/time_model.hpp"

namespace sweetspot::search {

/// A layer count, and what is known of it before anything runs.
struct LayerCandidate {
  int layers = 0;                                            ///< effective
  std::string why_not;                                       ///< it cannot fit; empty where it may
  Reading<std::uint64_t> vram_bytes = Absence{"not asked"};  ///< predicted, ours
  Reading<double> vram_percent = Absence{"not asked"};       ///< predicted, with what others use
  std::optional<Estimate> slice_ms =
      std::nullopt;  ///< generation per token, by slices of the model; with what they are off by
};

struct SweepRules {
  Bands bands;
  double tolerance = 0.02;
  double confidence = 0.95;
};

/// What to do next.
struct SweepStep {
  int layers = 0;
  Extent extent = Extent::generation_only;
  std::string reason;            ///< for people: what is being decided
  double rival_ms = 0;           ///< per token: what takes plainly longer wins nothing; 0 = unknown
  bool for_diminishing = false;  ///< only where returns diminish is still asked
  bool anew = false;             ///< what was measured before was spoiled from outside
  bool loads_anew = false;       ///< even where its weights are loaded
};

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
  struct Row {
    std::optional<Failure> failure;
    std::vector<Estimate> loads;            ///< ms of a token, of each load it was measured in
    std::optional<Estimate> ms;             ///< of a token, over its loads
    std::optional<double> limit_ms;         ///< what takes longer lies off the curve of the others
    std::optional<Estimate> full_depth_ms;  ///< of a token with the whole context in use
    double more_tokens = 0;                 ///< then in each cache, beyond the workload's depth
    Extent extent = Extent::full;
    Reading<double> vram_percent = Absence{"not measured"};
    std::string fault;       ///< what the trial itself says against it
    std::string objection;   ///< why it is neither recommended nor learnt from
    bool spilled = false;    ///< is known to have
    bool suspect = false;    ///< off the curve of those with fewer layers, seen once
    bool off_curve = false;  ///< and twice
    bool bent = false;       ///< off it, but it may be a bend: learnt from
    bool confirmed = false;  ///< was loaded again because it was off the curve: once is enough
    int told_at = 0;         ///< of all that was told, when
    bool slowed = false;     ///< by heat, or by others on the device or the processor
    bool starved = false;    ///< by others on the processor
    bool uncertain = false;
    bool few = false;  ///< samples
    int times_anew = 0;
  };
  struct View;

  [[nodiscard]] View look() const;
  [[nodiscard]] TimeModel fit_model(double scale_ms, std::size_t& observations) const;
  [[nodiscard]] std::vector<Contest> contests() const;
  [[nodiscard]] const Row* row_of(std::size_t candidate) const;
  [[nodiscard]] bool is_usable(std::size_t candidate) const;
  [[nodiscard]] bool is_open(std::size_t candidate) const;
  [[nodiscard]] Reading<double> percent_of(std::size_t candidate) const;
  [[nodiscard]] SweepStep exploring(int layers, const View& view, std::string reason) const;
  [[nodiscard]] double rival_ms(int layers, const View& view) const;
  [[nodiscard]] std::optional<SweepStep> first_step() const;
  [[nodiscard]] std::optional<SweepStep> measured_anew(bool at_the_end) const;
  [[nodiscard]] std::optional<SweepStep> completion(const View& view, bool settled) const;
  [[nodiscard]] std::optional<SweepStep> into_new_band(const View& view) const;
  [[nodiscard]] std::optional<SweepStep> most_promising(const View& view) const;
  [[nodiscard]] std::optional<SweepStep> towards_diminishing(const View& view) const;
  [[nodiscard]] DepthGrowth depth_growth() const;
  [[nodiscard]] Estimate with_way_in(int layers, Estimate predicted) const;
  [[nodiscard]] CurvePoint curve_point(std::size_t candidate, const View& view) const;
  [[nodiscard]] std::optional<Estimate> at_full_depth(const CurvePoint& point,
                                                      const DepthGrowth& growth) const;
  [[nodiscard]] std::vector<Decision> decisions(const View& view) const;
  [[nodiscard]] std::optional<SweepStep> about_suspect(const View& view) const;
  [[nodiscard]] std::optional<SweepStep> confirm_suspect(const View& view) const;
  [[nodiscard]] std::optional<SweepStep> confirm_cliff(const View& view) const;
  [[nodiscard]] int halved(int layers, const Contest& contest) const;
  [[nodiscard]] std::optional<std::size_t> band_of(std::size_t candidate) const;
  [[nodiscard]] bool decides_a_band(int layers, const View& view) const;
  [[nodiscard]] std::optional<SweepStep> second_count(const View& view) const;
  [[nodiscard]] bool falls_off_now(int layers, const Row& row) const;
  static std::vector<Estimate> loads_with(const Row& known, const Estimate& fresh, bool repeats,
                                          bool same_load, bool clears);
  void judge();
  void judge_curve();
  void close_from(int layers, std::string why);
  [[nodiscard]] std::optional<double> curve_limit_ms(int layers) const;
  static Row row_from(const Trial& trial);
  static bool is_sounder(const Row& fresh, const Row& known);
  static std::string fault_of(const Trial& trial, bool off_curve);
  void close_after_failure(int layers, const Failure& failure, std::optional<int>& hung);

  std::vector<LayerCandidate> candidates_;
  LayerShape shape_;
  SweepRules rules_;
  std::map<int, Row> rows_;
  std::optional<int> last_told_;
  std::optional<int> closed_from_;  ///< this many layers and more are not tried any more
  std::string why_closed_;
  int asked_diminishing_ = 0;
  int told_ = 0;
  std::optional<int> again_;     ///< layers of a trial that lies off the curve
  bool last_was_quiet_ = false;  ///< nothing disturbed the trial told last
};

}  // namespace sweetspot::search
