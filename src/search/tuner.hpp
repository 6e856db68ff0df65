// The joint search for the config that serves a workload best.
//
// Ask/tell: no I/O, no clock, the same answers for the same trials. In this order:
//   baseline   llama.cpp's own defaults, as `--fit on` places them: what everything is held
//   against; placement  where the weights lie, with the time model (time_model.hpp,
//   placement_shape.hpp):
//              the placement that may win most, until none is likely to win by more than the
//              tolerance;
//   context    one change at a time on the placement that is best so far: no load (knob_walk.hpp);
//   trade      memory that another context frees, spent on a placement that did not fit before;
//   load mode  weights read into memory instead of mapped, where the CPU computes with some;
//   finals     winner and baseline in turn, until the interval of their ratio leaves 1 or the
//              rounds are used up.
// Overlapping intervals are a tie: less memory wins, then fewer changes. What is returned is never
// slower than the baseline, as far as was measured.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"
#include "search/decisions.hpp"
#include "search/knob_walk.hpp"
#include "search/placement_shape.hpp"
#include "search/tune_space.hpp"

namespace sweetspot::search {

struct TuneRules {
  Objective objective = Objective::request;
  TuneConstraints constraints;
  Workload workload;
  KnobLimits knobs;         ///< on_cpu and on_device are set by the tuner
  double tolerance = 0.02;  ///< a win by less than this share is not worth another trial
  double confidence = 0.95;
  int final_rounds = 3;  ///< at most
  int trades = 5;        ///< at most
  /// Whether the whole model may be read into memory: a mapped file needs none of its own.
  bool may_read_all = false;
};

/// What to measure next: the config under the rules' workload.
struct TuneStep {
  Config config;
  std::string title;   ///< what tells it from the others
  std::string reason;  ///< what it decides
  Extent extent = Extent::speeds;
};

/// Of placements: whole layers; all layers with parts of blocks on the CPU; fewer layers with all
/// of these parts there.
inline constexpr std::size_t kFamilies = 3;

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
  enum class Stage { baseline, placement, context, trade, load_mode, finals, done };

  /// One config that was tried.
  struct Arm {
    Config config;
    std::optional<Estimate> cost = std::nullopt;           ///< last measured; empty where it failed
    std::optional<Estimate> generation_ms = std::nullopt;  ///< per token, for the time model
    std::optional<Estimate> prompt_ms = std::nullopt;
    Reading<std::uint64_t> vram_bytes = Absence{"not measured"};
    Reading<double> vram_percent = Absence{"not measured"};
    std::string why_no_cost = {};  ///< where cost is empty
    std::string objection = {};    ///< why it must not win
    std::size_t index = 0;         ///< of the trial that proves it, else of its last
    int times = 0;                 ///< measured so often
    bool proved = false;           ///< measured with its whole context in use
  };

  /// The first of the two trials of a round.
  struct HalfRound {
    Config config;
    Estimate cost;
    std::size_t index = 0;
  };

  [[nodiscard]] double beyond_prediction(const ContextSettings& context) const;
  [[nodiscard]] bool is_surprising(const Arm& arm) const;
  void tell_final(const Trial& trial, const Arm& arm, std::size_t index);
  [[nodiscard]] const Arm* find(const Config& config) const;
  [[nodiscard]] const TuneOption* option_of(const Config& config) const;
  [[nodiscard]] bool may_be_tried(const Config& config) const;
  [[nodiscard]] static bool is_better(const Arm& a, const Arm& b);
  [[nodiscard]] const Arm* best() const;
  [[nodiscard]] std::array<std::uint64_t, kFamilies> downhill_below() const;
  [[nodiscard]] std::optional<TuneStep> ask_placement();
  [[nodiscard]] std::optional<TuneStep> ask_context();
  [[nodiscard]] bool is_new_trade(const Config& candidate) const;
  [[nodiscard]] std::optional<TuneStep> ask_trade();
  [[nodiscard]] std::optional<TuneStep> ask_load_mode() const;
  [[nodiscard]] std::optional<TuneStep> ask_final();
  [[nodiscard]] std::vector<std::size_t> base_options() const;
  [[nodiscard]] Worlds worlds_of(const std::vector<std::size_t>& points) const;
  /// A context and what it costs against the base context on the same placement.
  struct Alternative {
    ContextSettings context;
    double ratio = 1;
  };
  [[nodiscard]] std::vector<Alternative> alternatives() const;
  [[nodiscard]] std::vector<double> predicted_costs(const std::vector<std::size_t>& options) const;
  [[nodiscard]] double predicted_cost(const Placement& placement) const;
  [[nodiscard]] std::optional<Estimate> speed_up() const;

  std::vector<TuneOption> options_;
  PlacementShape shape_;
  TuneRules rules_;
  ContextSettings base_;
  Config baseline_;
  std::vector<std::size_t> points_;  ///< options of the time model
  Stage stage_ = Stage::baseline;
  std::vector<Arm> arms_;
  std::optional<KnobWalk> walk_;
  std::optional<Config> finalist_;
  std::vector<TuneRound> rounds_;
  std::vector<Estimate> round_costs_;  ///< of the baseline and the winner in turn
  std::optional<HalfRound> half_round_;
  std::optional<Placement> last_told_;
  std::uint64_t too_many_bytes_ = std::numeric_limits<std::uint64_t>::max();  ///< ran out of memory
  int trades_ = 0;
  int disturbed_finals_ = 0;
};

}  // namespace sweetspot::search
