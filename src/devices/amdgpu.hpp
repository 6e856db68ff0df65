// AMD: the amdgpu kernel driver's files in sysfs (docs.kernel.org/gpu/amdgpu).
#pragma once

#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "devices/telemetry.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

struct AmdgpuOptions {
  kernel::FileTree tree = kernel::default_tree();
  bool wake = false;  ///< read devices in runtime suspend too, which wakes them
};

/// The source, or a note on why there is none.
///  - APU: memory is VRAM + GTT (system memory the GPU maps), both total and used.
///  - discrete: memory is VRAM; GTT in use is spilled_bytes.
///  - free is total - used of the same counters: amdgpu has no free file and reserves nothing on
///  top.
tl::expected<std::unique_ptr<StatusSource>, std::string> open_amdgpu(
    const AmdgpuOptions& options = {});

}  // namespace sweetspot::devices
