// What llama-server prints while it loads: where it put what, and the settings it really uses.
// Pure.
//
// Function names and prefixes differ between builds and forks, so that lines are known by what they
// say in their middle: "CUDA0 model buffer size = 12.34 MiB".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/config.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"

namespace sweetspot::adapter {

struct LoadedSettings {
  Reading<int> n_gpu_layers = Absence{"llama-server did not print it"};
  Reading<int> n_layers_offloadable = Absence{"llama-server did not print it"};
  std::optional<std::uint32_t> n_ctx;
  std::optional<std::uint32_t> n_batch;
  std::optional<std::uint32_t> n_ubatch;
  std::optional<int> n_threads;
  std::optional<int> n_threads_batch;
  Reading<std::string> flash_attn = Absence{"llama-server did not print it"};  ///< "on" or "off"
  Reading<std::string> type_k = Absence{"llama-server did not print it"};
  Reading<std::string> type_v = Absence{"llama-server did not print it"};
};

/// Of the last context that was made: an engine may try one before (--fit on).
LoadedSettings loaded_settings(std::string_view log);

/// Bytes by device, to within the hundredth of a MiB that is printed for each buffer. Host buffers
/// of every kind are summed under "CPU". Empty where no buffer line was printed.
MemoryMap loaded_memory(std::string_view log);

/// Whether a buffer of some device other than the host is in it: a server whose driver fails goes
/// on without its card, and is well.
bool uses_a_device(const MemoryMap& memory);

}  // namespace sweetspot::adapter
