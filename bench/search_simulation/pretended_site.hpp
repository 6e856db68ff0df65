// The product's trials on a pretended machine: no processes, virtual seconds.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "core/profile.hpp"
#include "ground/bytes.hpp"
#include "machine/machine.hpp"
#include "machine/session.hpp"
#include "pretended_driver.hpp"
#include "profiler/prepared.hpp"
#include "profiler/site.hpp"
#include "rules.hpp"

namespace sweetspot::simulation {

/// Not thread safe. The references must outlive it.
class PretendedSite final : public profiler::Site {
 public:
  PretendedSite(const fake::Machine& machine, fake::Session& session, bool driver)
      : machine_(machine), session_(session), driver_(machine, session, driver) {}

  Outcome<std::unique_ptr<engine::Holder>> start(const Placement& placement) override;
  Result<std::vector<PlannedMemory>> ask_maps(const std::vector<Config>& configs) override;
  void end_maps() override {}
  Reading<std::uint64_t> host_available_bytes() override;
  [[nodiscard]] std::uint64_t host_reserve_bytes() const override { return kGiB; }
  devices::Snapshot look() override { return driver_.look(); }
  void begin_window() override;
  devices::Window end_window() override { return driver_.end_window(); }
  void watch_processors(profiler::WatchWorld& /*world*/, int /*threads*/) override {}
  double now_ms() override { return session_.state().seconds * 1e3; }
  void sleep_ms(double ms) override;
  /// A search that does not end is a fault to be seen, not waited for.
  bool cancelled() override;

  [[nodiscard]] std::vector<Device> devices() const { return driver_.devices(); }

 private:
  const fake::Machine& machine_;
  fake::Session& session_;
  PretendedDriver driver_;
  int measured_ = 0;
};

/// What the product knows of the machine before the first trial. `base`: the config that trials
/// begin from.
profiler::Prepared prepare(const fake::Machine& machine, PretendedSite& site, const Rules& rules,
                           const Bands& bands, const Config& base);

/// What a search of so many trials has cost.
Effort effort_of(std::size_t trials, const fake::Session& session);

}  // namespace sweetspot::simulation
