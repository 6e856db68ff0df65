// What spoiled a measurement, from what the drivers said before, during and after it. Pure.
//
// No statistic of the times can tell: a device that heats up looks converged at every moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/device.hpp"
#include "core/memory_map.hpp"
#include "core/trial.hpp"
#include "devices/sampler.hpp"
#include "ground/bytes.hpp"
#include "kernel/processor_use.hpp"
#include "profiler/span.hpp"
#include "profiler/vram.hpp"

namespace sweetspot::profiler {

/// A cause of throttling counts from both of these on: the drivers move their counters in steps of
/// 100 ms, and a twentieth of the time at lower clocks moves a mean, but not yet a median.
inline constexpr double kMinThrottleMs = 100;
inline constexpr double kMinThrottleShare = 0.05;

/// Somebody who keeps a device busy for a tenth of the time can take a tenth of the speed. A
/// desktop that only blinks stays below.
inline constexpr double kForeignPercent = 10;

/// Waiting for a processor counts from both of these on: a tenth of the time, as of devices, and
/// not the few times a quick measurement is interrupted.
inline constexpr double kMinWaitShare = kForeignPercent / 100;
inline constexpr double kMinWaitMs = 100;

/// Memory that moves by less is noise of drivers and desktops. The larger of the two.
inline constexpr std::uint64_t kForeignBytes = 256 * kMiB;
inline constexpr double kForeignShare = 0.02;

/// From this share on, device memory is full enough for a driver to page some of it out.
inline constexpr double kNearlyFull = 0.9;

struct Finding {
  Disturbance what = Disturbance::throttled;
  std::string why;  ///< a clause: "power cap for 0.8 of 2.1 s"
  /// Whether waiting can help. It does not with a power cap, which comes back with the load.
  bool passes = true;
  Contended of = Contended::device;  ///< where contended
};

/// How busy the devices were while our worker did nothing; the busiest of them.
struct IdleLook {
  Reading<double> percent = Absence{"not looked at"};
};

/// The processors while our worker computed.
struct ProcessorWatch {
  kernel::ProcessorUse use = {};
  /// The share of the time that its threads hold each other up: where they are more than can run at
  /// once, each waits for the others, and nobody else is to blame.
  double own_share = 0;
};

/// The part of `threads` that cannot run where `most` can at once; 0 where all can.
double own_wait_share(int threads, int most);

/// The devices of one measurement and what was seen of them.
struct Evidence {
  std::vector<std::string> pci_bus_ids = {};  ///< that layers go to
  std::int64_t worker_pid = 0;
  IdleLook before = {};
  devices::Window window = {};
  std::vector<Span> steady = {};  ///< in which our own memory stands still
  IdleLook after = {};
  ProcessorWatch processor = {};
};

/// Of the processors that `threads` threads need, the share that others keep busy while we are
/// idle, percent; `cpus`: how many there are. Idle processors beyond that need do not count.
Reading<double> taken_percent(const kernel::ProcessorUse& use, int cpus, int threads);

/// One finding per kind and device at most. What a driver does not tell is not held against anyone.
std::vector<Finding> disturbances_in(const Evidence& evidence);

bool has(const std::vector<Finding>& findings, Disturbance what);

/// True where the driver names processes by ids that are ours too, so that the share of others is
/// known: our worker is among them. In a container it is not (R18).
bool knows_processes(const Evidence& evidence);

/// True where this word for a cause means clocks below what the load could have: not for clocks
/// that the user or a synchronised neighbour chose.
bool counts_as_throttling(const std::string& reason);

/// The busiest of the devices; absent where one cannot be read.
Reading<double> utilisation_of(const devices::Snapshot& snapshot,
                               const std::vector<std::string>& pci_bus_ids);

/// Whether system memory that a GPU pages to grew while its own was nearly full (R20), as a clause.
/// Host buffers of llama.cpp may be counted there too and are allowed for.
std::optional<std::string> spill_of(const std::vector<DeviceUse>& devices, const MemoryMap& memory);

}  // namespace sweetspot::profiler
