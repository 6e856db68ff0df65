// Measures what a device itself takes beyond llama.cpp's buffers: the difference between what the
// driver sees and what llama.cpp allocates, for a real small model that has decoded.
#pragma once

#include <string>

#include "core/device.hpp"
#include "core/driver_share.hpp"
#include "core/error.hpp"
#include "core/run.hpp"
#include "devices/sampler.hpp"
#include "engine/worker.hpp"
#include "profiler/events.hpp"

namespace sweetspot::profiler {

/// What a share of this device depends on, without the bytes.
MeasuredShare share_conditions(const DeviceReport& target, const Engine& engine);

/// True where a driver tells how much of the device is in use.
bool can_measure_share(const DeviceReport& target);

/// Writes a model of some MiB to the temporary folder, loads it three times on `target` alone, and
/// removes it. The interval spans the three differences. Errors: a trial that failed (device), a
/// driver that told nothing (device), a temporary folder that cannot be written (output).
Result<MeasuredShare> measure_driver_share(const engine::StartOptions& start,
                                           const devices::SourceFactory& sources,
                                           const DeviceReport& target, const Engine& engine,
                                           const Observer& observer);

}  // namespace sweetspot::profiler
