// Named configs and what the measurements say as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.hpp"
#include "core/reading.hpp"

namespace sweetspot {

/// A share of device memory, in percent: a trial is in it if low <= vram_percent < high; the
/// highest band includes its upper end.
struct Band {
  double low_percent = 0;
  double high_percent = 0;
};

/// The three bands (M8): under 50 %, 50-70 %, 70-85 %; above is unsafe.
struct Bands {
  double fast_percent = 50;
  double balanced_percent = 70;
  double performance_percent = 85;

  bool operator==(const Bands&) const = default;
};

void fields(auto& f, Is<Bands> auto& bands) {
  f("fast_percent", bands.fast_percent);
  f("balanced_percent", bands.balanced_percent);
  f("performance_percent", bands.performance_percent);
  f.check(0 < bands.fast_percent && bands.fast_percent <= bands.balanced_percent &&
              bands.balanced_percent <= bands.performance_percent &&
              bands.performance_percent <= 100,
          "these are not three rising percentages");
}

/// A config with the memory it needs and the trial that proves it.
struct Profile {
  std::string name;                         ///< fast, balanced, performance, cpu_fallback
  std::string recommended_for;              ///< who it is for
  std::optional<std::size_t> result_index;  ///< into Run::results; empty where the band is
  std::string reason;                       ///< why there is none; empty where there is one
  int n_gpu_layers = 0;
  std::uint32_t n_ctx = 0;
  std::uint32_t n_batch = 0;
  Reading<std::uint64_t> vram_bytes;
  Reading<double> vram_percent;
  Reading<double> tokens_per_second;  ///< generated; absent where the model only reads
  Reading<double> prompt_tokens_per_second = Absence{"not measured"};

  /// What it is compared by: generation, or what it reads where it only reads.
  [[nodiscard]] const Reading<double>& speed() const {
    return tokens_per_second ? tokens_per_second : prompt_tokens_per_second;
  }
};

// Where there is no config, its settings are absent for the same reason.
void fields(auto& f, Is<Profile> auto& profile) {
  const auto unless_none = [&](auto setting) {
    using Setting = Reading<decltype(setting)>;
    return profile.result_index ? Setting(setting) : Setting(Absence{profile.reason});
  };
  f("name", profile.name);
  f("recommended_for", profile.recommended_for);
  f("result", profile.result_index);
  f.derived("reason", profile.result_index ? std::nullopt : std::optional(profile.reason));
  f.derived("n_gpu_layers", unless_none(profile.n_gpu_layers));
  f.derived("n_ctx", unless_none(profile.n_ctx));
  f.derived("n_batch", unless_none(profile.n_batch));
  f("vram_bytes", profile.vram_bytes);
  f("vram_percent", profile.vram_percent);
  f("tokens_per_second", profile.tokens_per_second);
  f("prompt_tokens_per_second", profile.prompt_tokens_per_second);
}

/// Speed gained per further layer under which returns have diminished.
inline constexpr double kWorthwhileGain = 0.02;

/// What the trials of a run say together (M7). Indexes point into Run::results.
struct Analysis {
  std::optional<std::size_t> optimum;  ///< fastest generation that is safe (not above the top band)
  std::optional<std::size_t> fastest;  ///< fastest generation whatever it costs
  Reading<double> speed_up_over_cpu;   ///< optimum / CPU only
  Reading<double> vram_bytes_per_layer;        ///< slope of a robust line through the measured rows
  Reading<int> diminishing_after_layers;       ///< from here each further layer gains under 2 %
  Reading<double> temperature_rise_c;          ///< hottest minus first reading of the run
  std::vector<std::size_t> tied_with_optimum;  ///< of the safe rows, tied with the fastest (R12)
};

void fields(auto& f, Is<Analysis> auto& analysis) {
  f("optimum", analysis.optimum);
  f("fastest", analysis.fastest);
  f("tied_with_optimum", analysis.tied_with_optimum);
  f("speed_up_over_cpu", analysis.speed_up_over_cpu);
  f("vram_bytes_per_layer", analysis.vram_bytes_per_layer);
  f("diminishing_after_layers", analysis.diminishing_after_layers);
  f("temperature_rise_c", analysis.temperature_rise_c);
}

}  // namespace sweetspot
