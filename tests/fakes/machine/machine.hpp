// A pretended computer with a pretended model on it: what any config truly costs. Pure.
//
// Which layers lie where follows llama.cpp (read back from its memory maps, tests/system/oracle):
// of n_gpu_layers the first is the output, the others are the last blocks; embeddings stay on the
// host; n_cpu_moe and n_cpu_ffn count blocks from the first and only change those on the device.
#pragma once

#include <cstdint>
#include <optional>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/memory_map.hpp"
#include "machine/parts.hpp"

namespace sweetspot::fake {

/// How much slower than undisturbed each part is just now.
struct Conditions {
  double device_slowdown = 1;
  double host_slowdown = 1;
};

/// Where the time of one pass goes.
struct Cost {
  double host_ms = 0;
  double device_ms = 0;
  double link_ms = 0;  ///< crossings and launches: nobody slows them down

  [[nodiscard]] double total_ms(const Conditions& now = {}) const {
    return host_ms * now.host_slowdown + device_ms * now.device_slowdown + link_ms;
  }
};

/// Bytes of a device's memory that a config takes, and when.
struct DeviceNeed {
  std::uint64_t load_bytes = 0;          ///< weights and the driver's share
  std::uint64_t context_bytes = 0;       ///< and cache and compute buffers
  std::uint64_t first_decode_bytes = 0;  ///< and what grows with the first batch
};

/// llama.cpp rounds n_ctx up.
std::uint32_t rounded_context(std::uint32_t n_ctx);

class Machine {
 public:
  explicit Machine(Parts parts);

  [[nodiscard]] const Parts& parts() const { return parts_; }
  [[nodiscard]] const Model& model() const { return parts_.model; }
  [[nodiscard]] int offloadable() const { return parts_.model.offloadable(); }

  /// The accelerator, then the CPU, as a worker would list them.
  [[nodiscard]] std::vector<Device> devices() const;

  /// One token of each sequence, side by side, with `depth` tokens in the cache of each.
  [[nodiscard]] Cost generation_cost(const Config& config, double depth) const;
  [[nodiscard]] double generation_ms(const Config& config, double depth) const {
    return generation_cost(config, depth).total_ms();
  }

  /// All of `n_prompt` tokens, the first with `depth` tokens in the cache.
  [[nodiscard]] Cost prompt_cost(const Config& config, std::uint32_t n_prompt, double depth) const;
  [[nodiscard]] double prompt_ms_per_token(const Config& config, std::uint32_t n_prompt,
                                           double depth) const {
    return prompt_cost(config, n_prompt, depth).total_ms() / n_prompt;
  }

  /// As llama.cpp breaks it down: the host, then the device.
  [[nodiscard]] MemoryMap memory(const Config& config) const;

  [[nodiscard]] DeviceNeed device_need(const Config& config) const;
  [[nodiscard]] std::uint64_t device_total_bytes() const;
  [[nodiscard]] std::uint64_t device_free_bytes() const;  ///< before anything of ours is there

  /// What a driver would show while the config works, others included, in percent of the total.
  [[nodiscard]] double vram_percent(const Config& config) const;

  /// How the config ends, if it ends badly: out of memory while loading, making the context or at
  /// the first decode (phase warm_up); settings llama.cpp refuses.
  [[nodiscard]] std::optional<Failure> failure(const Config& config) const;

  /// The config neither fails nor pages device memory to the host.
  [[nodiscard]] bool is_safe(const Config& config) const;

  /// Of the first load of the file, or of one more while the file is still in the page cache.
  [[nodiscard]] double load_seconds(const Config& config, bool first = false) const;

  /// Flash attention as llama.cpp would report it.
  [[nodiscard]] bool uses_flash_attention(const Config& config) const;

  /// What 0 threads means.
  [[nodiscard]] int threads(const Config& config) const;

 private:
  [[nodiscard]] double spill_slowdown(const Config& config) const;
  [[nodiscard]] Cost computed_generation(const Config& config, double depth) const;
  [[nodiscard]] Cost computed_prompt(const Config& config, std::uint32_t n_prompt,
                                     double depth) const;

  Parts parts_;
};

}  // namespace sweetspot::fake
