// One config measured under one workload.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"

namespace sweetspot {

/// A timed llama_decode with synchronisation: one generated token of each sequence, or one prompt;
/// of a model that only reads one whole input.
struct Sample {
  double start_ms = 0;  ///< worker's monotonic clock
  double duration_ms = 0;
  std::uint32_t tokens = 1;  ///< of all sequences together
};

/// Why measuring ended.
enum class StopReason {
  precision,
  time_cap,
  sample_cap,
  outrun,  ///< plainly slower than what it was held against: that is all it was asked for
};

std::string_view to_string(StopReason reason);  ///< precision, time-cap, sample-cap, outrun

/// A point with its interval. `low <= value <= high`; confidence is 0.95 everywhere in this
/// program.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;

  bool operator==(const Estimate&) const = default;
};

/// From this share of its value on, to either side, an interval leaves open what the value is.
inline constexpr double kUncertainShare = 0.5;

/// Decides nothing: neither compared with others nor recommended (R49). So is a single sample,
/// whose interval is half to double its value by convention.
inline bool is_uncertain(const Estimate& estimate) {
  const double reach = std::max(estimate.high - estimate.value, estimate.value - estimate.low);
  return reach > 0 && reach >= kUncertainShare * estimate.value;
}

/// A speed with everything needed to judge it: of all sequences together where several are decoded
/// side by side. The estimate is of the median time per token;
/// tokens_per_second is its reciprocal, bounds swapped.
struct Speed {
  Estimate tokens_per_second;
  Estimate ms_per_token;
  StopReason stop_reason = StopReason::precision;
  std::uint32_t samples = 0;      ///< kept after the warm-up cut
  std::uint32_t warm_up_cut = 0;  ///< samples cut from the front
  double target_half_width = 0;   ///< relative, 0.01 = 1 %
  Reading<double> p50_ms;         ///< per token; percentiles absent where samples are too few (R13)
  Reading<double> p90_ms;
  Reading<double> p95_ms;
  Reading<double> p99_ms;
  /// Of the devices the layers lie on, not of the processor or the whole machine (R21).
  Reading<double> joules_per_token = Absence{"not measured"};
  /// "energy-counter" (5 s of work or more); else only indicative: "power-average",
  /// "power-instant", or "power-usage" where the driver does not say which of the two it is. Empty
  /// where absent.
  std::string energy_source;
  std::vector<Sample> raw;  ///< every sample, warm-up included
};

/// What spoiled a measurement from outside the config, or behind its back.
enum class Disturbance {
  throttled,  ///< the device lowered its clocks for heat, power or current (R9)
  contended,  ///< somebody else worked on the device or the processor, or took memory (R7, R47)
  spilled,    ///< device memory silently became system memory (R20)
};

std::string_view to_string(Disturbance disturbance);  ///< throttled, contended, spilled
std::optional<Disturbance> disturbance_from_string(std::string_view text);

/// What a contended trial had to share.
enum class Contended { device, processor };

std::string_view to_string(Contended what);  ///< device, processor

/// How long one cause kept the clocks down.
struct ThrottleTime {
  std::string reason;
  double ms = 0;

  bool operator==(const ThrottleTime&) const = default;
};

/// What the driver said while the work ran. One device: the first the config offloads to.
struct Telemetry {
  Reading<double> utilisation_percent;  ///< mean over the measurement
  Reading<double> temperature_start_c;
  Reading<double> temperature_max_c;
  Reading<double> power_w;                             ///< mean
  Reading<double> graphics_clock_mhz;                  ///< mean
  Reading<double> graphics_clock_min_mhz;              ///< lowest sample
  Reading<double> graphics_clock_limit_mhz;            ///< what the card can do at most
  Reading<std::vector<std::string>> throttle_reasons;  ///< union over the measurement
  /// Per cause, longest first; from the driver's counters, else the share of samples that named it.
  Reading<std::vector<ThrottleTime>> throttle_times;
  std::uint32_t samples = 0;
};

/// Whether the config decoded with its whole context in use (R32).
enum class FullDepth { verified, failed, not_tried };

std::string_view to_string(FullDepth state);  ///< verified, failed, not-tried

/// How much of the workload a trial has measured.
enum class Extent {
  full,             ///< everything: prompt, generation, whole context
  speeds,           ///< prompt and generation; never recommended
  generation_only,  ///< never recommended
};

std::string_view to_string(Extent extent);  ///< full, speeds, generation-only

/// How far the probabilities of the next token are from those with an f16 cache, over positions of
/// a fixed text: D(f16 || this) in nats.
struct Divergence {
  std::uint32_t positions = 0;
  double mean = 0;
  double p99 = 0;
  double max = 0;
  double same_top = 1;  ///< share of positions whose most probable token is the same, 0..1
};

/// Ended `measured` (no failure) or `failed`.
struct Trial {
  std::vector<int> requested_layers;  ///< every request that means this config, in the order given
  int layers = 0;                     ///< effective
  Config config;
  Workload workload;
  std::string started_at;  ///< UTC, ISO 8601
  Extent extent = Extent::full;
  std::string title;   ///< what tells it from the others; empty = its layers
  std::string reason;  ///< why it was run; empty where it was asked for
  std::optional<Failure> failure;
  std::optional<EffectiveConfig> effective;
  MemoryMap memory;  ///< llama.cpp's breakdown; empty where nothing was loaded
  Reading<MemoryMap> predicted = Absence{"not asked"};  ///< what it said before loading
  /// Predicted beyond what was free; 0 = may fit.
  Reading<std::uint64_t> missing_bytes = Absence{"not asked"};
  Reading<std::uint64_t> driver_rise_bytes;     ///< what the devices' used memory rose by
  Reading<std::uint64_t> used_by_others_bytes;  ///< on the devices, before this trial
  Reading<std::uint64_t> vram_used_bytes;  ///< ours: driver where it can be asked, else breakdown
  Reading<double> vram_percent;            ///< (others + ours) / total or limit, 0..100 and above
  std::string vram_source;                 ///< "driver" or "llama.cpp"
  Reading<double> load_seconds;
  std::optional<Speed> prompt;
  std::optional<Speed> generation;
  Telemetry telemetry;
  std::optional<Divergence> divergence;  ///< of a quantized cache
  FullDepth full_depth = FullDepth::not_tried;
  std::string full_depth_note;  ///< why it was not tried, or how the cache was filled
  std::optional<Estimate> full_depth_ms =
      std::nullopt;                            ///< per token with the whole context in use
  std::vector<Disturbance> disturbances = {};  ///< that no repetition got rid of; each once
  std::vector<Contended> contended_for = {};   ///< where contended: what for; each once
  /// Of the time that was measured, the share for which the worker's thread that waited longest was
  /// ready to run and had no processor, percent.
  Reading<double> processor_wait_percent = Absence{"nothing was measured"};
  /// For which anybody waited for a processor: in our cgroup, else on the machine.
  Reading<double> processor_pressure_percent = Absence{"nothing was measured"};
  std::vector<std::string> notes;  ///< for people: "device memory did not return", ...

  /// The speed that trials are compared by: of the generation, and of the prompt where nothing is
  /// generated.
  [[nodiscard]] const std::optional<Speed>& speed() const {
    return workload.generates() ? generation : prompt;
  }

  [[nodiscard]] bool measured() const { return !failure && speed().has_value(); }

  /// Whole inputs of n_prompt tokens, of a model that only reads.
  [[nodiscard]] Reading<Estimate> inputs_per_second() const {
    if (workload.generates()) return Absence{"the model generates"};
    if (!prompt || workload.n_prompt == 0) return Absence{"not measured"};
    const Estimate& tokens = prompt->tokens_per_second;
    const double size = workload.n_prompt;
    return Estimate{tokens.value / size, tokens.low / size, tokens.high / size};
  }

  /// Measured, but so that nothing may be concluded from it.
  [[nodiscard]] bool uncertain() const {
    return measured() && is_uncertain(speed()->tokens_per_second);
  }

  /// Measured, and its speed may be compared with others.
  [[nodiscard]] bool conclusive() const { return measured() && !uncertain(); }

  [[nodiscard]] bool shares(Contended what) const {
    return std::find(contended_for.begin(), contended_for.end(), what) != contended_for.end();
  }

  [[nodiscard]] bool is(Disturbance disturbance) const {
    return std::find(disturbances.begin(), disturbances.end(), disturbance) != disturbances.end();
  }

  /// Once is enough.
  void mark(Disturbance disturbance) {
    if (!is(disturbance)) disturbances.push_back(disturbance);
  }

  void mark_contended(Contended what) {
    mark(Disturbance::contended);
    if (!shares(what)) contended_for.push_back(what);
  }
};

/// As a label: "throttled", "contended (processor)".
std::string label_of(const Trial& trial, Disturbance disturbance);

}  // namespace sweetspot
