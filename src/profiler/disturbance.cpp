#include "profiler/disturbance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/text.hpp"

namespace sweetspot::profiler {
namespace {

// Everything a driver may name that costs no speed of the load's own.
constexpr std::array<std::string_view, 3> kChosen = {"sync boost", "display clock", "idle"};

std::uint64_t foreign_threshold(const Reading<std::uint64_t>& total) {
  const auto share =
      static_cast<std::uint64_t>(kForeignShare * static_cast<double>(total.value_or(0)));
  return std::max(kForeignBytes, share);
}

std::string clock_words(const Telemetry& telemetry) {
  const auto& mean = telemetry.graphics_clock_mhz;
  const auto& limit = telemetry.graphics_clock_limit_mhz;
  if (!mean || !limit || *limit <= 0) return {};
  return fmt::format(", clock at {:.0f} % of its maximum", 100 * *mean / *limit);
}

std::optional<Finding> throttling(const devices::DeviceWindow& window) {
  if (!window.telemetry.throttle_times) return std::nullopt;
  const double enough = std::max(kMinThrottleMs, kMinThrottleShare * window.observed_ms);
  Finding finding{Disturbance::throttled, "", false};
  for (const ThrottleTime& time : *window.telemetry.throttle_times) {
    if (time.ms < enough || !counts_as_throttling(time.reason)) continue;
    finding.why += fmt::format("{}{} for {:.1f} of {:.1f} s", finding.why.empty() ? "" : ", ",
                               time.reason, time.ms / 1e3, window.observed_ms / 1e3);
    finding.passes = finding.passes || time.reason != "power cap";
  }
  if (finding.why.empty()) return std::nullopt;
  finding.why += clock_words(window.telemetry);
  return finding;
}

struct Move {
  std::uint64_t rise = 0;
  std::uint64_t fall = 0;
};

// How far memory in use went from where it was at the beginning of the span.
Move move_within(const std::vector<devices::SamplePoint>& points, const Span& span) {
  Move move;
  std::optional<std::uint64_t> first;
  for (const devices::SamplePoint& point : points) {
    if (!span.holds(point.at_ms) || !point.memory_used_bytes) continue;
    const std::uint64_t used = *point.memory_used_bytes;
    if (!first) first = used;
    if (used > *first) move.rise = std::max(move.rise, used - *first);
    if (used < *first) move.fall = std::max(move.fall, *first - used);
  }
  return move;
}

// Between the spans our own backend may load kernels and let pools grow; within them it does not.
std::optional<std::string> moved_memory(const devices::DeviceWindow& window,
                                        const std::vector<Span>& steady) {
  const std::uint64_t threshold = foreign_threshold(window.memory_total_bytes);
  for (const Span& span : steady) {
    const Move move = move_within(window.points, span);
    if (move.rise > threshold) {
      return fmt::format("memory in use rose by {}", format_bytes(move.rise));
    }
    if (move.fall > threshold) {
      return fmt::format("memory in use fell by {}", format_bytes(move.fall));
    }
  }
  return std::nullopt;
}

double foreign_percent(const std::vector<ProcessUse>& processes, std::int64_t worker_pid) {
  double sum = 0;
  for (const ProcessUse& use : processes) {
    if (use.pid != worker_pid) sum += use.percent;
  }
  return sum;
}

bool is_among(const devices::DeviceWindow& window, std::int64_t pid) {
  if (!window.processes) return false;
  return std::any_of(window.processes->begin(), window.processes->end(),
                     [pid](const ProcessUse& use) { return use.pid == pid; });
}

std::optional<Finding> contention(const devices::DeviceWindow& window, const Evidence& evidence) {
  if (const auto moved = moved_memory(window, evidence.steady)) {
    return Finding{Disturbance::contended, *moved};
  }
  if (!is_among(window, evidence.worker_pid)) return std::nullopt;
  const double percent = foreign_percent(*window.processes, evidence.worker_pid);
  if (percent < kForeignPercent) return std::nullopt;
  return Finding{Disturbance::contended,
                 fmt::format("other processes took {:.0f} % of its time", percent)};
}

std::optional<Finding> busy_while_idle(const IdleLook& look, const char* when) {
  if (!look.percent || *look.percent < kForeignPercent) return std::nullopt;
  return Finding{Disturbance::contended,
                 fmt::format("{:.0f} % busy {} measuring", *look.percent, when)};
}

// The thread that waits longest tells: those that compute in step with it wait for it too. Where no
// thread's waiting is told, pressure is: it names nobody, and is all there is.
std::optional<Finding> starvation(const ProcessorWatch& seen) {
  const Reading<double>& share =
      seen.use.waited_share ? seen.use.waited_share : seen.use.stalled_share;
  if (!share) return std::nullopt;
  const double excess = *share - seen.own_share;
  if (excess < kMinWaitShare || excess * seen.use.ms < kMinWaitMs) return std::nullopt;
  Finding finding{Disturbance::contended,
                  fmt::format("a thread of ours waited for a processor for {:.0f} % of the time",
                              100 * *share)};
  if (!seen.use.waited_share) {
    finding.why =
        fmt::format("somebody waited for a processor for {:.0f} % of the time", 100 * *share);
  }
  finding.of = Contended::processor;
  return finding;
}

}  // namespace

bool has(const std::vector<Finding>& findings, Disturbance what) {
  return std::any_of(findings.begin(), findings.end(),
                     [what](const Finding& finding) { return finding.what == what; });
}

bool counts_as_throttling(const std::string& reason) {
  return std::find(kChosen.begin(), kChosen.end(), reason) == kChosen.end() &&
         !reason.starts_with("unknown reason");
}

std::vector<Finding> disturbances_in(const Evidence& evidence) {
  std::vector<Finding> findings;
  const auto keep = [&findings](std::optional<Finding> finding) {
    if (finding) findings.push_back(*std::move(finding));
  };
  for (const std::string& id : evidence.pci_bus_ids) {
    const auto seen = evidence.window.find(id);
    if (seen == evidence.window.end()) continue;
    keep(throttling(seen->second));
    keep(contention(seen->second, evidence));
  }
  if (!has(findings, Disturbance::contended)) keep(busy_while_idle(evidence.before, "before"));
  if (!has(findings, Disturbance::contended)) keep(busy_while_idle(evidence.after, "after"));
  keep(starvation(evidence.processor));
  return findings;
}

double own_wait_share(int threads, int most) {
  if (threads <= most || threads <= 0) return 0;
  return 1 - static_cast<double>(most) / threads;
}

Reading<double> taken_percent(const kernel::ProcessorUse& use, int cpus, int threads) {
  if (!use.busy_share) return Absence{use.busy_share.reason()};
  const double needed = std::clamp(threads, 1, std::max(cpus, 1));
  const double idle = cpus * (1 - *use.busy_share);
  return 100 * std::max(0.0, needed - idle) / needed;
}

bool knows_processes(const Evidence& evidence) {
  return !evidence.pci_bus_ids.empty() &&
         std::all_of(
             evidence.pci_bus_ids.begin(), evidence.pci_bus_ids.end(), [&](const std::string& id) {
               const auto seen = evidence.window.find(id);
               return seen != evidence.window.end() && is_among(seen->second, evidence.worker_pid);
             });
}

Reading<double> utilisation_of(const devices::Snapshot& snapshot,
                               const std::vector<std::string>& pci_bus_ids) {
  Reading<double> busiest = Absence{"not available for this device"};
  for (const std::string& id : pci_bus_ids) {
    const DeviceStatus* status = snapshot.find(id);
    if (status == nullptr) continue;
    if (!status->utilisation_percent) return status->utilisation_percent;
    busiest = std::max(busiest.value_or(0), *status->utilisation_percent);
  }
  return busiest;
}

std::optional<std::string> spill_of(const std::vector<DeviceUse>& devices,
                                    const MemoryMap& memory) {
  const DeviceMemory* host = find_device(memory, kHostDeviceId);
  const std::uint64_t allowed = host == nullptr ? 0 : host->private_bytes();
  for (const DeviceUse& device : devices) {
    if (!device.spilled_before_bytes || !device.spilled_peak_bytes) continue;
    if (*device.spilled_peak_bytes <= *device.spilled_before_bytes) continue;
    const std::uint64_t rise = *device.spilled_peak_bytes - *device.spilled_before_bytes;
    if (rise <= allowed + foreign_threshold(device.total_bytes)) continue;
    if (!device.total_bytes || !device.used_peak_bytes) continue;
    const auto full = kNearlyFull * static_cast<double>(*device.total_bytes);
    if (static_cast<double>(*device.used_peak_bytes) < full) continue;
    return fmt::format("{} pages {} to system memory", device.id, format_bytes(rise));
  }
  return std::nullopt;
}

}  // namespace sweetspot::profiler
