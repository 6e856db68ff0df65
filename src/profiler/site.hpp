// Where trials happen: what loads and measures, what drivers say, what time it is. The product's is
// real_site.hpp; the simulation of the search has one whose machine is pretended.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"
#include "devices/sampler.hpp"
#include "engine/holder.hpp"
#include "profiler/watch.hpp"

namespace sweetspot::profiler {

/// Not thread safe.
class Site {
 public:
  Site() = default;
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  virtual ~Site() = default;

  /// A holder without weights, for that placement. One for the CPU alone knows no servers: each
  /// of those serves one client at a time.
  virtual Outcome<std::unique_ptr<engine::Holder>> start(const Placement& placement) = 0;

  /// What llama.cpp would allocate for each config, in order.
  virtual Result<std::vector<PlannedMemory>> ask_maps(const std::vector<Config>& configs) = 0;

  /// What answered may hold devices, so nothing is measured before this. Asking again is allowed.
  virtual void end_maps() = 0;

  [[nodiscard]] virtual Reading<std::uint64_t> host_available_bytes() = 0;

  /// Of these what nobody may take.
  [[nodiscard]] virtual std::uint64_t host_reserve_bytes() const = 0;

  /// What drivers say now.
  virtual devices::Snapshot look() = 0;

  /// As those of devices::Sampler.
  virtual void begin_window() = 0;
  virtual devices::Window end_window() = 0;

  /// Fills in what tells how the processors are used, where that can be told.
  virtual void watch_processors(WatchWorld& world, int threads) = 0;

  [[nodiscard]] virtual double now_ms() = 0;  ///< as devices::Snapshot::at_ms
  virtual void sleep_ms(double ms) = 0;
  [[nodiscard]] virtual bool cancelled() = 0;
};

}  // namespace sweetspot::profiler
