// Measures until nothing disturbs it, within bounds (R7, R9).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "devices/sampler.hpp"
#include "profiler/disturbance.hpp"

namespace sweetspot::profiler {

class Site;

struct WatchLimits {
  int retries = 2;
  /// Until the devices are idle before and after measuring: what they say of their use lags by up
  /// to a second, so some of it is our own.
  double settle_ms = 2000;
  double cool_down_ms = 10000;  ///< until what disturbed is gone, before measuring again
  double poll_ms = 100;
  double cooler_c = 5;        ///< a throttled device should have cooled by this much
  double busy_look_ms = 300;  ///< the processors are looked at for so long: they count in 10 ms
};

/// The world a watch happens in; watch_world() gives that of a site.
struct WatchWorld {
  std::vector<std::string> pci_bus_ids = {};  ///< that layers go to; empty = nothing to watch
  std::int64_t worker_pid = 0;
  bool processes_known = false;  ///< by the last measurement: then nobody waits for an idle device
  int threads = 1;               ///< that our worker computes with
  int most_threads = 1;          ///< that can run at once
  int cpus = 1;                  ///< processors that `processors` looks at
  std::function<devices::Snapshot()> look;
  std::function<void()> begin;
  std::function<devices::Window()> end;
  std::function<kernel::ProcessorMoment()> processors;  ///< and our worker; empty = not watched
  std::function<double()> now_ms;
  std::function<void(double ms)> sleep_ms;
  std::function<bool()> cancelled;
};

/// One attempt: how it ended, and when our own memory stood still meanwhile.
struct Measurement {
  Outcome<void> outcome = {};
  std::vector<Span> steady = {};
};

struct Watched {
  Outcome<void> outcome = {};           ///< of the last measurement
  devices::Window window = {};          ///< of the last measurement
  kernel::ProcessorUse processor = {};  ///< during the last measurement
  std::vector<Finding> findings = {};   ///< that it still has
  bool waited_in_vain = false;          ///< what disturbed was still there when the time was up
  bool processes_known = false;  ///< the driver told the shares of processes, ours among them
  std::vector<std::string> repeats = {};  ///< a sentence for each that was thrown away
};

/// Of the processors nothing is watched yet: see Site::watch_processors(). `site` must outlive it.
WatchWorld watch_world(Site& site, std::vector<std::string> pci_bus_ids, std::int64_t worker_pid);

/// Calls `measure` until it fails, nothing disturbed it, nothing would change, or the retries are
/// used up; each call replaces what the one before gave.
Watched measure_undisturbed(const WatchWorld& world, const std::function<Measurement()>& measure,
                            const WatchLimits& limits = {});

}  // namespace sweetspot::profiler
