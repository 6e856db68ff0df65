// NVIDIA: NVML by dlopen, every symbol optional.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "devices/telemetry.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::devices {

struct NvmlOptions {
  /// Path or soname; empty = SWEETSPOT_NVML_LIBRARY, else libnvidia-ml.so.1.
  std::string library;
  /// Reads devices the kernel has put to sleep too, which wakes them.
  bool wake = false;
  /// Says which symbols may be looked up; all where empty. For tests.
  std::function<bool(std::string_view symbol)> symbol_filter;
  kernel::FileTree tree = kernel::default_tree();
};

/// The source, or a note on why there is none. Where every NVIDIA device sleeps the source exists
/// but calls nothing of the library until one wakes. May block in nvmlInit.
tl::expected<std::unique_ptr<StatusSource>, std::string> open_nvml(const NvmlOptions& options = {});

}  // namespace sweetspot::devices
