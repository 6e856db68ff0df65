// A tune as an asker of the loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "profiler/asker.hpp"
#include "profiler/forecast.hpp"
#include "profiler/loop.hpp"
#include "profiler/profiler.hpp"
#include "tune/tuner.hpp"

namespace sweetspot::profiler {

/// The joint search over all knobs (tune/tuner.hpp), within a time.
class TuneAsker final : public Asker {
 public:
  /// Its time begins now. `site` tells it.
  TuneAsker(Loop& loop, Site& site, const TuneJob& job);

  std::optional<TrialAsk> ask() override;
  void tell(const Trial& trial, std::size_t index) override;
  void while_held(TrialRunner& runner, const Run& run) override;
  void record(Run& run, const std::string& ended) const override;
  [[nodiscard]] std::string why_ended() const override { return ended_; }

 private:
  [[nodiscard]] double seconds_since(double start_ms) const;
  void tell_spills();

  Loop& loop_;
  const Prepared& prepared_;
  Site& site_;
  const TuneJob& job_;
  double start_ms_;
  double trial_start_ms_ = 0;
  double longest_trial_seconds_ = 0;
  std::optional<Config> in_turn_with_;  ///< what the last ask wants loaded beside it
  std::vector<Config> configs_;
  Forecasts forecasts_;
  std::optional<tune::Tuner> tuner_;
  std::vector<bool> known_spilled_;  ///< of each result, what the tuner was told
  std::string ended_ = kEverythingDecided;
};

/// A step of a tune as the loop takes it; layers and forecast are not set.
TrialAsk ask_of(const tune::Step& step);

/// What is asked of two configs on this machine that are to be told apart.
tune::Rules rules_of(const Prepared& prepared, const TuneJob& job,
                     std::uint64_t host_reserve_bytes);

/// Gives each result of the tune's front the longest context it would still fit with; while nothing
/// is held.
void take_longest_contexts(Loop& loop);

}  // namespace sweetspot::profiler
