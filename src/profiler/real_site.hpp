// This machine: workers are processes, time is the steady clock.
#pragma once

#include <memory>
#include <vector>

#include "devices/sampler.hpp"
#include "engine/oracle.hpp"
#include "engine/worker.hpp"
#include "profiler/site.hpp"

namespace sweetspot::profiler {

class RealSite final : public Site {
 public:
  /// `sampler` was started.
  RealSite(engine::StartOptions start, std::unique_ptr<devices::Sampler> sampler,
           engine::Oracle oracle);

  Outcome<std::unique_ptr<engine::Holder>> start(const Placement& placement) override;
  Result<std::vector<PlannedMemory>> ask_maps(const std::vector<Config>& configs) override;
  void end_maps() override;
  Reading<std::uint64_t> host_available_bytes() override;
  [[nodiscard]] std::uint64_t host_reserve_bytes() const override {
    return start_.host_reserve_bytes;
  }
  devices::Snapshot look() override;
  void begin_window() override;
  devices::Window end_window() override;
  void watch_processors(WatchWorld& world, int threads) override;
  double now_ms() override;
  void sleep_ms(double ms) override;
  bool cancelled() override;

 private:
  engine::StartOptions start_;
  std::unique_ptr<devices::Sampler> sampler_;
  engine::Oracle oracle_;
};

}  // namespace sweetspot::profiler
