// All driver interfaces of this machine.
#pragma once

#include "devices/amdgpu.hpp"
#include "devices/nvml.hpp"
#include "devices/telemetry.hpp"

namespace sweetspot::devices {

struct SourceOptions {
  NvmlOptions nvml;
  AmdgpuOptions amdgpu;
};

/// Options that touch sleeping devices or leave them alone.
SourceOptions source_options(bool wake);

/// A factory for Sampler. Opens nothing itself.
SourceFactory system_sources(SourceOptions options = {});

}  // namespace sweetspot::devices
