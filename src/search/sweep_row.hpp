// What a sweep knows of one layer count, by the trials of it. Pure functions over values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot::search {

struct SweepRow {
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

  /// Measured, and nothing speaks against it: it may win, and the others are predicted from it.
  [[nodiscard]] bool is_usable() const { return ms && objection.empty() && !suspect; }
};

/// By layer count, ascending.
using SweepRows = std::map<int, SweepRow>;

/// What the trial says by itself.
SweepRow row_from(const Trial& trial);

/// What the trial says against itself; empty where nothing. `off_curve`: it is slower than the
/// other counts let expect.
std::string fault_of(const Trial& trial, bool off_curve);

/// Whether what was measured anew takes the place of what is known.
bool is_sounder(const SweepRow& fresh, const SweepRow& known);

/// How a trial stands to the one of the same count before it.
struct Repeat {
  bool same_load = false;
  bool was_asked = false;  ///< because the one before was surprisingly slow
  bool clears = false;     ///< it lies on the curve, and the one before did not
};

/// The loads of `known` with what was measured now.
std::vector<Estimate> loads_with(const SweepRow& known, const Estimate& fresh, Repeat repeat);

}  // namespace sweetspot::search
