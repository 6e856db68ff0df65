// What a tune has measured: one arm for each config, and which of them is best. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"
#include "core/tune_record.hpp"

namespace sweetspot::tune {

inline constexpr const char* kTooUncertain = "its speed is too uncertain";

/// One config that was tried.
struct Arm {
  Config config;
  std::optional<Estimate> cost = std::nullopt;           ///< empty where it failed
  std::optional<double> least_cost = std::nullopt;       ///< of all its trials
  std::optional<Estimate> generation_ms = std::nullopt;  ///< per token, for the time model
  std::optional<Estimate> prompt_ms = std::nullopt;
  Reading<std::uint64_t> vram_bytes = Absence{"not measured"};
  Reading<double> vram_percent = Absence{"not measured"};  ///< of the fullest device, others' too
  MemoryMap memory = {};                                   ///< as llama.cpp allocated it
  std::string why_no_cost = {};                            ///< where cost is empty
  std::string objection = {};                              ///< why it must not win
  std::string slowed_by = {};  ///< from outside: objected to where others were not and cost less
  std::string own_objection = {};  ///< whatever others were
  std::size_t index = 0;           ///< of the trial that proves it, else of its last
  int times = 0;                   ///< measured so often
  bool proved = false;             ///< measured with its whole context in use
  bool disturbed = false;          ///< what was measured says little of the config
  bool uncertain = false;          ///< or nothing
  bool spilled = false;            ///< is known to have

  /// It was measured, and nothing keeps it from winning.
  [[nodiscard]] bool may_win() const { return cost && objection.empty(); }
  /// It was measured, and nothing but how loosely keeps it from winning: turns may tell more.
  [[nodiscard]] bool is_only_uncertain() const { return cost && objection == kTooUncertain; }
};

/// Whether `a` is cheaper than `b` by more than the interval of their difference. What may not win
/// is never better.
bool is_better(const Arm& a, const Arm& b);

/// The same whether they may win or not; never where one has no cost.
bool is_cheaper(const Arm& a, const Arm& b);

/// What becomes of a second trial of one config.
enum class Again {
  last,    ///< the last one counts
  faster,  ///< the faster one counts: it was asked for because the first was surprisingly slow
};

/// Not thread safe. References into it hold until the next tell().
class Arms {
 public:
  /// Whether what was measured of this config undisturbed stands against a disturbed trial of it,
  /// or one that is too uncertain.
  [[nodiscard]] bool stands_against(const Trial& trial) const;

  /// The arm with this trial in it, as far as it is believed (few_samples.hpp); unchanged where it
  /// stands against it.
  Arm& tell(const Trial& measured, std::size_t index, Objective objective,
            const TuneConstraints& constraints, Again again);

  /// Trials that came later showed that what was measured of it spilled: it never wins. Nothing
  /// happens where it was not tried.
  void know_spilled(const Config& config, Objective objective);

  [[nodiscard]] const Arm* find(const Config& config) const;
  [[nodiscard]] const std::vector<Arm>& all() const { return arms_; }

  /// The cheapest that may win, or nothing.
  [[nodiscard]] const Arm* cheapest() const;

  /// The cheapest; of those that cannot be told from it (their difference may be chance, and it is
  /// within a quarter of `tolerance`) the one that saves device memory worth having, then the one
  /// with fewer changes from `baseline`. Nothing where nothing may win.
  [[nodiscard]] const Arm* best(const Config& baseline, double tolerance) const;

  /// Results that no other one beats in both cost and device memory.
  [[nodiscard]] std::vector<FrontPoint> front() const;

 private:
  [[nodiscard]] std::vector<Arm>::iterator at(const Config& config);
  void weigh_disturbances(Objective objective);

  std::vector<Arm> arms_;
};

}  // namespace sweetspot::tune
