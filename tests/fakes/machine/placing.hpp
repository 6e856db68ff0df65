// Which bytes of a model a config puts where, as llama.cpp would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/config.hpp"
#include "machine/parts.hpp"

namespace sweetspot::fake {

/// One block under a config.
struct PlacedBlock {
  std::uint64_t device_bytes = 0;  ///< weights
  std::uint64_t host_bytes = 0;
  std::uint64_t device_expert_bytes = 0;  ///< part of device_bytes
  std::uint64_t host_expert_bytes = 0;    ///< part of host_bytes
  bool on_device = false;                 ///< its attention is computed there
  bool cache_on_device = false;
  double cache_bytes_per_token = 0;  ///< in the types asked for
};

struct Placed {
  int layers = 0;  ///< effective
  std::vector<PlacedBlock> blocks = {};
  bool output_on_device = false;
  std::size_t device_blocks = 0;
  std::size_t crossings = 0;  ///< of one ubatch between host and device, the way back included

  [[nodiscard]] bool uses_device() const { return layers > 0; }
};

/// Big batches copy the host's weights to the device to compute them there: not where the config
/// has no device.
bool copies_host_weights(const Accelerator& device, const Config& config);

Placed place(const Model& model, const Config& config);

/// Bytes of an element relative to f16 (ggml's block sizes).
double cache_type_factor(const std::string& type);

}  // namespace sweetspot::fake
