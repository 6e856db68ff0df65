// What an adaptive sweep knew, believed and decided: kept with the run, so that every number that
// was not measured can be checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/enum_names.hpp"
#include "core/fields.hpp"
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

constexpr EnumNames<Standing, 5> names_of(Standing /*of*/) {
  return {{
      {Standing::measured, "measured"},
      {Standing::predicted, "predicted"},
      {Standing::does_not_fit, "does-not-fit"},
      {Standing::failed, "failed"},
      {Standing::not_tried, "not-tried"},
  }};
}

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

void fields(auto& f, Is<CurvePoint> auto& point) {
  f("layers", point.layers);
  f("standing", point.standing);
  f("generation_ms_per_token", point.generation_ms);
  f("full_depth_ms_per_token", point.full_depth_ms);
  f("vram_bytes", point.vram_bytes);
  f("vram_percent", point.vram_percent);
  f("note", point.note);
}

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

void fields(auto& f, Is<Decision> auto& decision) {
  f("name", decision.name);
  f("layers", decision.layers);
  f("settled", decision.settled);
  f("doubt", decision.doubt);
  f("sentence", decision.sentence);
}

/// One coefficient of the time model with one standard deviation.
struct ModelTerm {
  std::string name;     ///< JSON name, "device_block_ms"
  std::string meaning;  ///< for people
  double value = 0;
  double sd = 0;
};

void fields(auto& f, Is<ModelTerm> auto& term) {
  f("name", term.name);
  f("meaning", term.meaning);
  f("value", term.value);
  f("sd", term.sd);
}

struct TimeModelRecord {
  std::string formula;
  std::vector<ModelTerm> terms;
  double deviation = 0;      ///< expected distance from the line, a share of the CPU's time
  double between_loads = 0;  ///< expected spread between loads, a share of the time
  bool linear = true;
  std::size_t observations = 0;
};

void fields(auto& f, Is<TimeModelRecord> auto& model) {
  f("formula", model.formula);
  f("terms", model.terms);
  f("deviation", model.deviation);
  f("between_loads", model.between_loads);
  f("linear", model.linear);
  f("observations", model.observations);
}

/// What a longer cache costs: milliseconds that 1000 more tokens in it add to a token, all blocks
/// being on the CPU or on the device.
struct DepthRecord {
  double cpu_ms = 0;
  double cpu_sd_ms = 0;
  double device_ms = 0;
  double device_sd_ms = 0;
  std::size_t observations = 0;
};

void fields(auto& f, Is<DepthRecord> auto& depth) {
  f("cpu_ms_per_1000_tokens", depth.cpu_ms);
  f("cpu_sd_ms", depth.cpu_sd_ms);
  f("device_ms_per_1000_tokens", depth.device_ms);
  f("device_sd_ms", depth.device_sd_ms);
  f("observations", depth.observations);
}

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

void fields(auto& f, Is<SliceRecord> auto& slices) {
  f("weight_share", slices.weight_share);
  f("small_read_bytes", slices.small_read_bytes);
  f("cache_bytes", slices.cache_bytes);
  f("rounds", slices.rounds);
  f("seconds", slices.seconds);
  f("cpu_block_ms", slices.cpu_block_ms);
  f("device_block_ms", slices.device_block_ms);
  f("crossing_ms", slices.crossing_ms);
  f("notes", slices.notes);
}

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

void fields(auto& f, Is<SweepRecord> auto& sweep) {
  f("tolerance", sweep.tolerance);
  f("confidence", sweep.confidence);
  f("ended", sweep.ended);
  f("slices", sweep.slices);
  f("curve", sweep.curve);
  f("decisions", sweep.decisions);
  f("time_model", sweep.generation);
  f("depth", sweep.depth);
}

}  // namespace sweetspot
