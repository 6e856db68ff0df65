// One config measured under one workload.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/enum_names.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"
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

template <typename T>
std::vector<T> column_of(const std::vector<Sample>& samples, T Sample::*member) {
  std::vector<T> column;
  column.reserve(samples.size());
  for (const Sample& sample : samples) column.push_back(sample.*member);
  return column;
}

/// Why measuring ended.
enum class StopReason {
  precision,
  time_cap,
  sample_cap,
  outrun,  ///< plainly slower than its rival, and nothing else was asked
};

constexpr EnumNames<StopReason, 4> names_of(StopReason /*of*/) {
  return {{
      {StopReason::precision, "precision"},
      {StopReason::time_cap, "time-cap"},
      {StopReason::outrun, "outrun"},
      {StopReason::sample_cap, "sample-cap"},
  }};
}

/// A point with its interval. `low <= value <= high`; confidence is 0.95 everywhere in this
/// program.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;

  bool operator==(const Estimate&) const = default;
};

void fields(auto& f, Is<Estimate> auto& estimate) {
  f("value", estimate.value);
  f("low", estimate.low);
  f("high", estimate.high);
  f.check(std::isfinite(estimate.low) && std::isfinite(estimate.high) && 0 <= estimate.low &&
              estimate.low <= estimate.value && estimate.value <= estimate.high,
          "the value lies outside its interval");
}

/// Milliseconds of one, above 0, as how many a second; the bounds change sides.
inline Estimate per_second(const Estimate& ms) {
  constexpr double kMsPerSecond = 1000;
  return {kMsPerSecond / ms.value, kMsPerSecond / ms.high, kMsPerSecond / ms.low};
}

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

/// All tokens by all time after the warm-up, stalls included: what the clock of a whole answer
/// shows and llama-bench counts. The median leaves stalls out. 0 without samples.
double tokens_per_second_by_all_time(const Speed& speed);

// The samples are written in columns.
void fields(auto& f, Is<Speed> auto& speed) {
  f("tokens_per_second", speed.tokens_per_second.value);
  f("ci95_low", speed.tokens_per_second.low);
  f("ci95_high", speed.tokens_per_second.high);
  f("ms_per_token", speed.ms_per_token.value);
  f("samples", speed.samples);
  f("warm_up_cut", speed.warm_up_cut);
  f("stop_reason", speed.stop_reason);
  f("target_half_width", speed.target_half_width);
  f("p50_ms", speed.p50_ms);
  f("p90_ms", speed.p90_ms);
  f("p95_ms", speed.p95_ms);
  f("p99_ms", speed.p99_ms);
  f("joules_per_token", speed.joules_per_token);
  f("energy_source", speed.energy_source);
  f.group("raw", [&](auto& raw) {
    raw.derived("start_ms", column_of(speed.raw, &Sample::start_ms));
    raw.derived("duration_ms", column_of(speed.raw, &Sample::duration_ms));
    raw.derived("tokens", column_of(speed.raw, &Sample::tokens));
  });
}

/// What spoiled a measurement and is not the config's doing, or happened unseen by it.
enum class Disturbance {
  throttled,  ///< the device lowered its clocks for heat, power or current (R9)
  contended,  ///< somebody else worked on the device or the processor, or took memory (R7, R47)
  spilled,    ///< device memory silently became system memory (R20)
};

constexpr EnumNames<Disturbance, 3> names_of(Disturbance /*of*/) {
  return {{
      {Disturbance::throttled, "throttled"},
      {Disturbance::contended, "contended"},
      {Disturbance::spilled, "spilled"},
  }};
}

/// What a contended trial had to share.
enum class Contended { device, processor };

constexpr EnumNames<Contended, 2> names_of(Contended /*of*/) {
  return {{{Contended::device, "device"}, {Contended::processor, "processor"}}};
}

/// How long one cause kept the clocks down.
struct ThrottleTime {
  std::string reason;
  double ms = 0;

  bool operator==(const ThrottleTime&) const = default;
};

void fields(auto& f, Is<ThrottleTime> auto& time) {
  f("reason", time.reason);
  f("ms", time.ms);
}

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

void fields(auto& f, Is<Telemetry> auto& telemetry) {
  f("samples", telemetry.samples);
  f("utilisation_percent", telemetry.utilisation_percent);
  f("temperature_start_c", telemetry.temperature_start_c);
  f("temperature_max_c", telemetry.temperature_max_c);
  f("power_w", telemetry.power_w);
  f("graphics_clock_mhz", telemetry.graphics_clock_mhz);
  f("graphics_clock_min_mhz", telemetry.graphics_clock_min_mhz);
  f("graphics_clock_limit_mhz", telemetry.graphics_clock_limit_mhz);
  f("throttle_reasons", telemetry.throttle_reasons);
  f("throttle_times", telemetry.throttle_times);
}

/// Whether the config decoded with its whole context in use (R32).
enum class FullDepth { verified, failed, not_tried };

constexpr EnumNames<FullDepth, 3> names_of(FullDepth /*of*/) {
  return {{
      {FullDepth::verified, "verified"},
      {FullDepth::failed, "failed"},
      {FullDepth::not_tried, "not-tried"},
  }};
}

/// How much of the workload a trial has measured.
enum class Extent {
  full,             ///< everything: prompt, generation, whole context
  speeds,           ///< prompt and generation; never recommended
  generation_only,  ///< never recommended
};

constexpr EnumNames<Extent, 3> names_of(Extent /*of*/) {
  return {{
      {Extent::full, "full"},
      {Extent::speeds, "speeds"},
      {Extent::generation_only, "generation-only"},
  }};
}

/// How far the probabilities of the next token are from those with an f16 cache, over positions of
/// a fixed text: D(f16 || this) in nats.
struct Divergence {
  std::uint32_t positions = 0;
  double mean = 0;
  double p99 = 0;
  double max = 0;
  double same_top = 1;  ///< share of positions whose most probable token is the same, 0..1
};

void fields(auto& f, Is<Divergence> auto& divergence) {
  f("positions", divergence.positions);
  f("mean", divergence.mean);
  f("p99", divergence.p99);
  f("max", divergence.max);
  f("same_top", divergence.same_top);
}

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

  /// What one request takes under the workload, from the speeds, with the 95 % interval that
  /// follows from theirs, taken as independent. Of several sequences side by side it is one
  /// request's share of the machine's time.
  [[nodiscard]] Reading<Estimate> request_ms() const;

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

  /// A second time changes nothing.
  void mark(Disturbance disturbance) {
    if (!is(disturbance)) disturbances.push_back(disturbance);
  }

  void mark_contended(Contended what) {
    mark(Disturbance::contended);
    if (!shares(what)) contended_for.push_back(what);
  }
};

void fields(auto& f, Is<Trial> auto& trial) {
  f("requested_layers", trial.requested_layers);
  f("layers", trial.layers);
  f.derived("status", std::string(trial.measured() ? "measured" : "failed"));
  f("error", trial.failure);
  f("started_at", trial.started_at);
  f("extent", trial.extent);
  f("title", trial.title);
  f("reason", trial.reason);
  f("config", trial.config);
  f("effective", trial.effective);
  f("workload", trial.workload);
  f("devices", trial.memory);
  f("predicted", trial.predicted);
  f("missing_bytes", trial.missing_bytes);
  f("vram_used_bytes", trial.vram_used_bytes);
  f("vram_percent", trial.vram_percent);
  f("vram_source", trial.vram_source);
  f("driver_rise_bytes", trial.driver_rise_bytes);
  f("used_by_others_bytes", trial.used_by_others_bytes);
  f("load_seconds", trial.load_seconds);
  f("prompt", trial.prompt);
  f("generation", trial.generation);
  f.derived("inputs_per_second", trial.inputs_per_second());
  f("telemetry", trial.telemetry);
  f("divergence", trial.divergence);
  f.group("full_depth", [&](auto& depth) {
    depth("state", trial.full_depth);
    depth("note", trial.full_depth_note);
    depth("ms_per_token", trial.full_depth_ms);
  });
  f("disturbances", trial.disturbances);
  f("contended_for", trial.contended_for);
  f.derived("too_uncertain", trial.uncertain());
  f("processor_wait_percent", trial.processor_wait_percent);
  f("processor_pressure_percent", trial.processor_pressure_percent);
  f("notes", trial.notes);
}

/// As a label: "throttled", "contended (processor)".
std::string label_of(const Trial& trial, Disturbance disturbance);

/// "12 layers", "1 layer".
std::string layer_count(int layers);

/// "the CPU alone", else its layers.
std::string placed_in_words(const Trial& trial);

/// Its title, else placed_in_words().
std::string name_of(const Trial& trial);

}  // namespace sweetspot
