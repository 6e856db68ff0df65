#include "profiler/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "profiler/site.hpp"

namespace sweetspot::profiler {
namespace {

using Condition = std::function<bool(const devices::Snapshot&)>;

// The last look, taken when the condition held or the time was up.
devices::Snapshot wait_until(const WatchWorld& world, const WatchLimits& limits, double cap_ms,
                             const Condition& holds) {
  const double begin = world.now_ms();
  devices::Snapshot snapshot = world.look();
  while (!holds(snapshot) && !world.cancelled() && world.now_ms() - begin < cap_ms) {
    world.sleep_ms(limits.poll_ms);
    snapshot = world.look();
  }
  return snapshot;
}

// What cannot be read is not waited for.
bool is_idle(const WatchWorld& world, const devices::Snapshot& snapshot) {
  return utilisation_of(snapshot, world.pci_bus_ids).value_or(0) < kForeignPercent;
}

IdleLook settle(const WatchWorld& world, const WatchLimits& limits) {
  if (world.pci_bus_ids.empty()) return {};
  const devices::Snapshot last =
      wait_until(world, limits, limits.settle_ms,
                 [&](const devices::Snapshot& snapshot) { return is_idle(world, snapshot); });
  return {utilisation_of(last, world.pci_bus_ids)};
}

bool throttles(const DeviceStatus& status) {
  const auto& reasons = status.throttle_reasons;
  return reasons && std::any_of(reasons->begin(), reasons->end(), counts_as_throttling);
}

bool is_unthrottled(const WatchWorld& world, const devices::Snapshot& snapshot) {
  return std::none_of(world.pci_bus_ids.begin(), world.pci_bus_ids.end(),
                      [&](const std::string& id) {
                        const DeviceStatus* status = snapshot.find(id);
                        return status != nullptr && throttles(*status);
                      });
}

bool is_cooler(const WatchWorld& world, const WatchLimits& limits, const devices::Window& window,
               const devices::Snapshot& snapshot) {
  return std::all_of(world.pci_bus_ids.begin(), world.pci_bus_ids.end(), [&](const auto& id) {
    const DeviceStatus* status = snapshot.find(id);
    const auto seen = window.find(id);
    if (status == nullptr || seen == window.end()) return true;
    const auto& hottest = seen->second.telemetry.temperature_max_c;
    if (!status->temperature_c || !hottest) return true;
    return *status->temperature_c <= *hottest - limits.cooler_c;
  });
}

bool is_starved(const Watched& watched) {
  return std::any_of(watched.findings.begin(), watched.findings.end(), [](const Finding& finding) {
    return finding.what == Disturbance::contended && finding.of == Contended::processor;
  });
}

// Our worker is idle meanwhile. What cannot be read is not waited for.
bool has_free_processors(const WatchWorld& world, const WatchLimits& limits) {
  const kernel::ProcessorMoment before = world.processors();
  world.sleep_ms(limits.busy_look_ms);
  const auto use = kernel::use_between(before, world.processors());
  return taken_percent(use, world.cpus, world.threads).value_or(0) < kForeignPercent;
}

// False where what disturbed is still there when the time is up: measuring again would only cost.
bool cool_down(const WatchWorld& world, const WatchLimits& limits, const Watched& watched) {
  const bool hot = has(watched.findings, Disturbance::throttled);
  const bool starved = is_starved(watched);
  bool gone = false;
  wait_until(world, limits, limits.cool_down_ms, [&](const devices::Snapshot& snapshot) {
    gone = is_idle(world, snapshot) && (!hot || is_unthrottled(world, snapshot)) &&
           (!starved || has_free_processors(world, limits));
    return gone && (!hot || is_cooler(world, limits, watched.window, snapshot));
  });
  return gone && !world.cancelled();
}

std::string words(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", to_string(finding.what), finding.why);
  }
  return text;
}

bool may_pass(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.passes; });
}

void watch_attempt(const WatchWorld& world, const WatchLimits& limits,
                   const std::function<Measurement()>& measure, Watched& watched) {
  Evidence evidence;
  evidence.pci_bus_ids = world.pci_bus_ids;
  evidence.worker_pid = world.worker_pid;
  if (!world.processes_known && !watched.processes_known) evidence.before = settle(world, limits);
  evidence.processor.own_share = own_wait_share(world.threads, world.most_threads);
  const auto look = [&world] {
    return world.processors ? world.processors() : kernel::ProcessorMoment{};
  };
  world.begin();
  const kernel::ProcessorMoment before = look();
  Measurement measured = measure();
  watched.processor = evidence.processor.use = kernel::use_between(before, look());
  watched.outcome = std::move(measured.outcome);
  evidence.steady = std::move(measured.steady);
  watched.window = evidence.window = world.end();
  watched.findings.clear();
  if (!watched.outcome || world.cancelled()) return;
  watched.processes_known = knows_processes(evidence);
  // What the driver tells of the measurement itself is better than looks around it.
  if (watched.processes_known) {
    evidence.before = {};
  } else {
    evidence.after = settle(world, limits);
  }
  watched.findings = disturbances_in(evidence);
}

}  // namespace

WatchWorld watch_world(Site& site, std::vector<std::string> pci_bus_ids, std::int64_t worker_pid) {
  WatchWorld world;
  world.pci_bus_ids = std::move(pci_bus_ids);
  world.worker_pid = worker_pid;
  world.look = [&site] { return site.look(); };
  world.begin = [&site] { site.begin_window(); };
  world.end = [&site] { return site.end_window(); };
  world.now_ms = [&site] { return site.now_ms(); };
  world.sleep_ms = [&site](double ms) { site.sleep_ms(ms); };
  world.cancelled = [&site] { return site.cancelled(); };
  return world;
}

Watched measure_undisturbed(const WatchWorld& world, const std::function<Measurement()>& measure,
                            const WatchLimits& limits) {
  Watched watched;
  for (int repeats = 0;; ++repeats) {
    watch_attempt(world, limits, measure, watched);
    if (repeats == limits.retries || !may_pass(watched.findings)) return watched;
    if (!cool_down(world, limits, watched)) {
      watched.waited_in_vain = true;
      return watched;
    }
    watched.repeats.push_back("measured again, because it was " + words(watched.findings));
  }
}

}  // namespace sweetspot::profiler
