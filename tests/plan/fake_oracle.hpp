// Models that were never trained, and a source of maps that places them as llama.cpp would.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/config.hpp"
#include "core/memory_map.hpp"
#include "core/model_info.hpp"
#include "ground/bytes.hpp"
#include "plan/map_source.hpp"

namespace sweetspot::plan::fake {

struct Block {
  std::uint64_t bytes = 100 * kMiB;
  std::uint64_t expert_bytes = 0;   ///< part of bytes
  std::uint64_t ffn_bytes = 0;      ///< part of bytes
  std::uint64_t k_values = 1024;    ///< per token; a multiple of 32
  std::uint64_t v_values = 1024;    ///< per token; a multiple of 32
  std::uint32_t window = 1u << 31;  ///< tokens it keeps
  std::uint64_t state_bytes = 0;    ///< whatever the context
  std::uint32_t slides = 0;  ///< a window that has room for a piece beside it, rounded up to 256
};

struct Line {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_per_token = 0;

  bool operator==(const Line&) const = default;
};

/// From this layer count on, a device's compute buffer is the largest of the lines.
struct ComputeFrom {
  int layers = 0;
  std::vector<Line> lines;
};

struct Model {
  std::vector<Block> blocks;
  std::uint64_t output_bytes = 200 * kMiB;
  std::uint64_t embedding_bytes = 150 * kMiB;
  std::vector<double> split = {1};  ///< one device for each share
  /// Host first, then the devices; each list ascending by layers. Missing = none.
  std::vector<std::vector<ComputeFrom>> compute;
  bool mapped = true;

  [[nodiscard]] int offloadable() const { return static_cast<int>(blocks.size()) + 1; }
};

inline Model uniform(int blocks) {
  Model model;
  model.blocks.assign(static_cast<std::size_t>(blocks), Block{});
  model.compute = {{{0, {{20 * kMiB, 0}}}, {1, {{16 * kMiB, 8}}}},
                   {{0, {{90 * kMiB, 0}}}, {1, {{70 * kMiB, 16}, {75 * kMiB, 4}}}}};
  return model;
}

/// Bytes of so many values of a ggml cache type; q8_0 has blocks of 34 bytes for 32 values.
inline std::uint64_t cache_bytes(std::uint64_t values, const std::string& type) {
  if (type == "q8_0") return values / 32 * 34;
  if (type == "q4_0") return values / 32 * 18;
  return values * 2;
}

inline std::uint64_t cache_bytes(const Block& block, const ContextSettings& context,
                                 std::uint32_t n_ctx) {
  const std::uint32_t rounded = (block.slides + context.n_ubatch + 255) / 256 * 256;
  const std::uint32_t window = block.slides > 0 ? rounded : block.window;
  const std::uint64_t tokens = context.swa_full ? n_ctx : std::min(n_ctx, window);
  return block.state_bytes + cache_bytes(block.k_values * tokens, context.type_k) +
         cache_bytes(block.v_values * tokens, context.type_v);
}

inline std::uint64_t compute_bytes(const std::vector<ComputeFrom>& compute, int layers,
                                   const ContextSettings& context, std::uint32_t n_ctx) {
  std::uint64_t most = 0;
  for (const ComputeFrom& from : compute) {
    if (layers < from.layers) break;
    most = 0;
    for (const Line& line : from.lines) {
      most = std::max(most, line.bytes + line.bytes_per_token * n_ctx);
    }
  }
  return most * context.n_ubatch / 512;
}

/// What llama.cpp would answer. Only quantized V without flash attention is refused.
inline PlannedMemory place(const Model& model, const Config& config) {
  const ContextSettings& context = config.context;
  if (context.flash_attn == FlashAttention::off && context.type_v != "f16") {
    return {{}, 0, "V cache quantization requires flash attention"};
  }
  const std::uint32_t n_ctx = (context.n_ctx + 255) / 256 * 256;
  const int layers = effective_layers(config.placement.n_gpu_layers, model.offloadable());
  const int first = model.offloadable() - layers;
  double sum = 0;
  for (const double share : model.split) sum += share;
  const auto device_of = [&](int block) -> std::size_t {  // 0 = host
    if (block < first) return 0;
    double upto = 0;
    for (std::size_t i = 0; i + 1 < model.split.size(); ++i) {
      upto += model.split[i] / sum;
      if (static_cast<double>(block - first) / layers < upto) return i + 1;
    }
    return model.split.size();
  };

  MemoryMap all(model.split.size() + 1);
  all[0].id = kHostDeviceId;
  for (std::size_t i = 1; i < all.size(); ++i) all[i].id = "GPU" + std::to_string(i - 1);
  for (int i = 0; i + 1 < model.offloadable(); ++i) {
    const Block& block = model.blocks[static_cast<std::size_t>(i)];
    const std::size_t device = device_of(i);
    std::uint64_t on_host = 0;
    if (i < config.placement.n_cpu_moe) on_host += block.expert_bytes;
    if (i < config.placement.n_cpu_ffn) on_host += block.ffn_bytes;
    all[0].model_bytes += on_host;
    all[device].model_bytes += block.bytes - on_host;
    all[context.kv_offload ? device : 0].context_bytes += cache_bytes(block, context, n_ctx);
  }
  all[0].model_bytes += model.embedding_bytes;
  all[device_of(model.offloadable() - 1)].model_bytes += model.output_bytes;
  if (model.mapped) all[0].mapped_bytes = all[0].model_bytes;
  for (std::size_t i = 0; i < std::min(all.size(), model.compute.size()); ++i) {
    all[i].compute_bytes = compute_bytes(model.compute[i], layers, context, n_ctx);
  }
  // A device that nothing lies on is not in the map, as in llama.cpp's own.
  std::erase_if(all, [](const DeviceMemory& device) { return device.total_bytes() == 0; });
  return {all, n_ctx, {}};
}

/// Counts what it is asked. Must outlive its source.
struct Oracle {
  Model model;
  std::function<void(const Config&, PlannedMemory&)> twist;  ///< changes an answer
  std::vector<std::vector<Config>> calls;

  [[nodiscard]] PlannedMemory answer(const Config& config) const {
    PlannedMemory planned = place(model, config);
    if (twist) twist(config, planned);
    return planned;
  }
  [[nodiscard]] std::size_t asked() const {
    std::size_t count = 0;
    for (const auto& call : calls) count += call.size();
    return count;
  }
  [[nodiscard]] bool was_asked(const Config& config) const {
    return std::any_of(calls.begin(), calls.end(), [&](const std::vector<Config>& call) {
      return std::find(call.begin(), call.end(), config) != call.end();
    });
  }
  MapSource source() {
    return [this](const std::vector<Config>& configs) -> Result<std::vector<PlannedMemory>> {
      calls.push_back(configs);
      std::vector<PlannedMemory> answers;
      for (const Config& config : configs) answers.push_back(answer(config));
      return answers;
    };
  }
};

inline ModelInfo info_of(const Model& model) {
  ModelInfo info;
  info.n_layer = static_cast<int>(model.blocks.size());
  for (int i = 0; i < info.n_layer; ++i) {
    const Block& block = model.blocks[static_cast<std::size_t>(i)];
    info.layers.push_back({i, block.bytes, block.expert_bytes});
  }
  return info;
}

}  // namespace sweetspot::plan::fake
