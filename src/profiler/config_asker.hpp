// One config, measured as it stands.
#pragma once

#include <optional>
#include <string>

#include "profiler/asker.hpp"
#include "profiler/forecast.hpp"
#include "profiler/loop.hpp"

namespace sweetspot::profiler {

/// Asks for the config, and once more where somebody disturbed it: he may have gone by then.
class ConfigAsker final : public Asker {
 public:
  ConfigAsker(Loop& loop, const Config& config);

  std::optional<TrialAsk> ask() override;
  void tell(const Trial& trial, std::size_t index) override;
  void record(Run& /*run*/, const std::string& /*ended*/) const override {}
  [[nodiscard]] std::string why_ended() const override { return "it was measured"; }

 private:
  Forecasts forecasts_;
  TrialAsk ask_;
  int asks_ = 0;
  bool is_due_ = true;
};

}  // namespace sweetspot::profiler
