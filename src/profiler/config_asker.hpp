// One config, measured as it stands.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "profiler/asker.hpp"
#include "profiler/forecast.hpp"
#include "profiler/loop.hpp"

namespace sweetspot::profiler {

struct ConfigAsk {
  Extent extent = Extent::full;
  std::string title = {};  ///< empty = its layers
  bool again = true;       ///< once more where somebody disturbed it: he may have gone by then
  /// Called while the config's last trial is held.
  std::function<void(TrialRunner& runner, const Run& run)> while_held = {};
};

/// Asks for the config, once or twice.
class ConfigAsker final : public Asker {
 public:
  ConfigAsker(Loop& loop, const Config& config, ConfigAsk how = {});

  std::optional<TrialAsk> ask() override;
  void tell(const Trial& trial, std::size_t index) override;
  void while_held(TrialRunner& runner, const Run& run) override;
  void record(Run& /*run*/, const std::string& /*ended*/) const override {}
  [[nodiscard]] std::string why_ended() const override { return "it was measured"; }

 private:
  ConfigAsk how_;
  Forecasts forecasts_;
  TrialAsk ask_;
  int asks_ = 0;
  bool is_due_ = true;
};

}  // namespace sweetspot::profiler
