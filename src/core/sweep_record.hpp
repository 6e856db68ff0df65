// What an adaptive sweep knew, believed and decided: kept with the run, so that every number that
// was not measured can be checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/reading.hpp"
#include "core/trial.hpp"

namespace sweetspot {

/// Where a layer count stands.
enum class Standing {
  measured,
  predicted,     ///< nobody ran it: the time model speaks
  does_not_fit,  ///< known before loading, or out of memory when tried
  failed,
  not_tried,  ///< behind a cliff, a hang or an interruption
};

std::string_view to_string(Standing standing);  ///< measured, predicted, does-not-fit, ...

/// One layer count of the curve.
struct CurvePoint {
  int layers = 0;  ///< effective
  Standing standing = Standing::predicted;
  std::optional<Estimate> generation_ms;  ///< per token, 95 %; measured, or predicted with interval
  std::optional<Estimate> full_depth_ms;  ///< with the whole context in use, likewise
  Reading<std::uint64_t> vram_bytes = Absence{"not asked"};
  Reading<double> vram_percent = Absence{"not asked"};
  std::string note;  ///< why it does not fit or was not tried
};

/// A question that the sweep had to settle.
struct Decision {
  std::string name;           ///< fast, balanced, performance, optimum, cpu-or-device, ...
  std::optional<int> layers;  ///< the answer so far
  bool settled = false;
  /// Probability that a layer count nobody measured wins by more than the tolerance, 0..1; empty
  /// where it is not about winning.
  std::optional<double> doubt;
  std::string sentence;  ///< for people
};

/// One coefficient of the time model with one standard deviation.
struct ModelTerm {
  std::string name;     ///< JSON name, "device_block_ms"
  std::string meaning;  ///< for people
  double value = 0;
  double sd = 0;
};

struct TimeModelRecord {
  std::string formula;
  std::vector<ModelTerm> terms;
  double deviation = 0;      ///< expected distance from the line, a share of the CPU's time
  double between_loads = 0;  ///< expected spread between loads, a share of the time
  bool linear = true;
  std::size_t observations = 0;
};

/// What a longer cache costs: milliseconds that 1000 more tokens in it add to a token, all blocks
/// being on the CPU or on the device.
struct DepthRecord {
  double cpu_ms = 0;
  double cpu_sd_ms = 0;
  double device_ms = 0;
  double device_sd_ms = 0;
  std::size_t observations = 0;
};

/// What slices of the model said before any of it was loaded whole (search/slice_model.hpp).
struct SliceRecord {
  double weight_share = 0;             ///< of the largest slice / of the model, 0..1
  std::uint64_t small_read_bytes = 0;  ///< what the smallest slice reads for one token, ...
  std::uint64_t cache_bytes = 0;       ///< ... and the cache that it must not fit in
  std::uint32_t rounds = 0;
  double seconds = 0;  ///< loading and measuring
  double cpu_block_ms = 0;
  double device_block_ms = 0;
  double crossing_ms = 0;  ///< what being on both costs beyond the blocks
  std::vector<std::string> notes;
};

struct SweepRecord {
  std::vector<CurvePoint> curve;  ///< every layer count, ascending
  std::vector<Decision> decisions;
  std::optional<TimeModelRecord> generation;  ///< empty before anything was measured
  std::optional<DepthRecord> depth;           ///< empty where no trial used its whole context
  std::optional<SliceRecord> slices;
  double tolerance = 0.02;  ///< a win by less than this share is not worth another trial
  double confidence = 0.95;
  std::string ended;  ///< why it stopped; empty while it goes on
};

}  // namespace sweetspot
