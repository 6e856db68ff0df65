#include "adapter/load_log.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "core/ranges.hpp"
#include "ground/bytes.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::adapter {
namespace {

enum class Part { model, context, compute };

struct BufferKind {
  std::string_view words;
  Part part;
};

/// ik_llama.cpp says "buffer size" of weights without naming them: that one comes last.
constexpr std::array<BufferKind, 7> kKinds = {{
    {" model buffer size", Part::model},
    {" LoRA buffer size", Part::model},
    {" KV buffer size", Part::context},
    {" RS buffer size", Part::context},
    {" compute buffer size", Part::compute},
    {" output buffer size", Part::compute},
    {" buffer size", Part::model},
}};

struct Buffer {
  std::string_view name;  ///< as ggml calls the buffer's type: CUDA0, CUDA_Host, CPU_Mapped
  Part part = Part::model;
  std::uint64_t bytes = 0;
};

/// "  = 12.34 MiB" and what follows.
std::optional<std::uint64_t> size_in(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  const auto words = words_of(text.substr(equals + 1));
  if (words.size() < 2 || words[1] != "MiB") return std::nullopt;
  const auto mib = number_of<double>(words[0]);
  const double most = static_cast<double>(kPlausibleBytes.high) / static_cast<double>(kMiB);
  if (!mib || !std::isfinite(*mib) || *mib < 0 || *mib > most) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*mib * static_cast<double>(kMiB)));
}

std::optional<Buffer> buffer_in(std::string_view line) {
  for (const BufferKind& kind : kKinds) {
    const std::size_t at = line.find(kind.words);
    if (at == std::string_view::npos) continue;
    const auto before = words_of(line.substr(0, at));
    const auto bytes = size_in(line.substr(at + kind.words.size()));
    if (before.empty() || !bytes) return std::nullopt;
    return Buffer{before.back(), kind.part, *bytes};
  }
  return std::nullopt;
}

/// Everything that is memory of the host, by whatever backend: CPU, CPU_Mapped, CPU_REPACK, AMX,
/// CUDA_Host, Vulkan_Host.
bool is_host(std::string_view name) {
  return name.starts_with("CPU") || name.ends_with("_Host") || name == "AMX" || name == "BLAS";
}

/// "CUDA0", of "CUDA0", "CUDA0_Split" and "RPC0[127.0.0.1:50052]".
std::string_view device_of(std::string_view name) {
  if (is_host(name)) return kHostDeviceId;
  return name.substr(0, name.find_first_of("[_"));
}

DeviceMemory& entry(MemoryMap& map, std::string_view id) {
  const auto found = std::find_if(map.begin(), map.end(),
                                  [&](const DeviceMemory& device) { return device.id == id; });
  if (found != map.end()) return *found;
  DeviceMemory device;
  device.id = std::string(id);
  return map.emplace_back(std::move(device));
}

void add(MemoryMap& map, const Buffer& buffer) {
  DeviceMemory& device = entry(map, device_of(buffer.name));
  switch (buffer.part) {
    case Part::model:
      device.model_bytes += buffer.bytes;
      if (buffer.name.ends_with("_Mapped")) device.mapped_bytes += buffer.bytes;
      break;
    case Part::context:
      device.context_bytes += buffer.bytes;
      break;
    case Part::compute:
      device.compute_bytes += buffer.bytes;
      break;
  }
}

/// "llama_context: n_ctx  = 512" -> "512". Other lines speak of slots: "new slot, n_ctx = 256".
std::string_view value_of(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view before = trimmed(line.substr(0, at));
  const std::string_view rest = trimmed(line.substr(at + name.size()));
  const bool begins = before.empty() || before.back() == ':' || before.back() == '(';
  if (!begins || !rest.starts_with('=')) return {};
  const auto words = words_of(rest.substr(1));
  return words.empty() ? std::string_view() : trimmed(words.front(), ")");
}

template <typename Number>
void take(std::optional<Number>& target, std::string_view line, std::string_view name) {
  if (const auto value = number_of<Number>(value_of(line, name))) target = *value;
}

/// "offloaded 4/7 layers to GPU"
void take_offloaded(LoadedSettings& settings, std::string_view line) {
  constexpr std::string_view kWords = "offloaded ";
  const std::size_t at = line.find(kWords);
  if (at == std::string_view::npos || line.find(" layers to GPU") == std::string_view::npos) return;
  const auto words = words_of(line.substr(at + kWords.size()));
  const auto parts = words.empty() ? words : split(words.front(), '/');
  if (parts.size() != 2) return;
  const auto layers = number_of<int>(parts[0]);
  const auto all = number_of<int>(parts[1]);
  if (!layers || !all) return;
  settings.n_gpu_layers = *layers;
  settings.n_layers_offloadable = *all;
}

void take_flash_attention(LoadedSettings& settings, std::string_view line) {
  if (line.find("Flash Attention enabled") != std::string_view::npos ||
      line.find("Flash Attention was auto, set to enabled") != std::string_view::npos) {
    settings.flash_attn = std::string("on");
  } else if (line.find("Flash Attention disabled") != std::string_view::npos ||
             line.find("Flash Attention was auto, set to disabled") != std::string_view::npos) {
    settings.flash_attn = std::string("off");
  }
  const std::string_view said = value_of(line, "flash_attn");
  if (said == "enabled" || said == "1") settings.flash_attn = std::string("on");
  if (said == "disabled" || said == "0") settings.flash_attn = std::string("off");
}

/// "K (f16):    0.75 MiB, V (q8_0):    0.40 MiB"
void take_cache_types(LoadedSettings& settings, std::string_view line) {
  const auto type_after = [&](std::string_view words) -> std::optional<std::string> {
    const std::size_t at = line.find(words);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view rest = line.substr(at + words.size());
    return std::string(rest.substr(0, rest.find(')')));
  };
  const auto k = type_after(" K (");
  const auto v = type_after(" V (");
  if (!k || !v) return;
  settings.type_k = *k;
  settings.type_v = *v;
}

}  // namespace

LoadedSettings loaded_settings(std::string_view log) {
  LoadedSettings settings;
  for (const std::string_view line : lines_of(log)) {
    take_offloaded(settings, line);
    take(settings.n_ctx, line, "n_ctx");
    take(settings.n_batch, line, "n_batch");
    take(settings.n_ubatch, line, "n_ubatch");
    take(settings.n_threads, line, "n_threads");
    take(settings.n_threads_batch, line, "n_threads_batch");
    take_flash_attention(settings, line);
    take_cache_types(settings, line);
  }
  return settings;
}

bool uses_a_device(const MemoryMap& memory) {
  return std::any_of(memory.begin(), memory.end(), [](const DeviceMemory& device) {
    return device.id != kHostDeviceId && device.total_bytes() > 0;
  });
}

MemoryMap loaded_memory(std::string_view log) {
  // With --fit on, or to try a placement, a context is made and dropped before the one that stays:
  // its weights are the same, its buffers are printed again.
  MemoryMap weights;
  MemoryMap rest;
  for (const std::string_view line : lines_of(log)) {
    if (line.find("loading model tensors") != std::string_view::npos) weights.clear();
    if (line.find("constructing llama_context") != std::string_view::npos) rest.clear();
    if (const auto buffer = buffer_in(line)) {
      add(buffer->part == Part::model ? weights : rest, *buffer);
    }
  }
  for (const DeviceMemory& device : rest) {
    DeviceMemory& whole = entry(weights, device.id);
    whole.context_bytes += device.context_bytes;
    whole.compute_bytes += device.compute_bytes;
  }
  return weights;
}

}  // namespace sweetspot::adapter
