// Sweeps over layer counts as askers of the loop.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/sweep_record.hpp"
#include "profiler/asker.hpp"
#include "profiler/forecast.hpp"
#include "profiler/loop.hpp"
#include "search/adaptive_sweep.hpp"
#include "search/sweep.hpp"

namespace sweetspot::profiler {

/// A list of layer counts, each once (search/sweep.hpp).
class ListAsker final : public Asker {
 public:
  ListAsker(Loop& loop, const std::vector<int>& requested_layers);

  std::optional<TrialAsk> ask() override;
  void tell(const Trial& trial, std::size_t index) override;
  void record(Run& /*run*/, const std::string& /*ended*/) const override {}
  [[nodiscard]] std::string why_ended() const override { return "all were measured"; }

 private:
  search::Sweep sweep_;
  std::vector<Config> configs_;
  Forecasts forecasts_;
  std::size_t told_ = 0;
};

/// As few layer counts as settle what a full sweep settles (search/adaptive_sweep.hpp), after
/// slices of the model where those are wanted.
class AdaptiveAsker final : public Asker {
 public:
  explicit AdaptiveAsker(Loop& loop);

  std::optional<TrialAsk> ask() override;
  void tell(const Trial& trial, std::size_t index) override;
  void record(Run& run, const std::string& ended) const override;
  [[nodiscard]] std::string why_ended() const override;

 private:
  [[nodiscard]] TrialAsk ask_of(const search::SweepStep& step) const;
  void mark_off_the_curve(std::vector<Trial>& trials) const;

  const Loop& loop_;
  std::vector<Config> configs_;  ///< by layers, 0 being the CPU alone
  Forecasts forecasts_;          ///< of `configs_`, and of 0 layers beside the devices
  std::optional<SliceRecord> slices_;
  std::optional<search::AdaptiveSweep> sweep_;
  std::optional<search::SweepStep> step_;
  /// 0 layers beside a device: the CPU generates, of weights that llama.cpp repacks for it only
  /// where there is no device, and the device reads prompts. A row of its own after the first one,
  /// no point of the curve; none where there is no device, no prompt or no room for its buffers.
  std::optional<TrialAsk> beside_;
  bool beside_was_asked_ = false;
  bool only_slices_ = false;
};

}  // namespace sweetspot::profiler
