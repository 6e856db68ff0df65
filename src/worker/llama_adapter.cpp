#include "worker/llama_adapter.hpp"

#include <ggml-backend.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

// Exported by libllama, declared in none of its installed headers. Weak: a llama.cpp without it
// still links and runs, and memory is then reported as unknown. Layout as of llama.cpp 0.7.0.
struct llama_memory_breakdown_data {  // NOLINT(readability-identifier-naming): its name in libllama
  std::size_t model = 0;
  std::size_t context = 0;
  std::size_t compute = 0;
};
__attribute__((weak, visibility("default")))
std::map<ggml_backend_buffer_type_t, llama_memory_breakdown_data>
llama_get_memory_breakdown(const llama_context* context);

#ifndef SWEETSPOT_LLAMA_BUILD
#define SWEETSPOT_LLAMA_BUILD "unknown"
#endif

namespace sweetspot::worker {
namespace {

bool is_host(ggml_backend_buffer_type_t type, ggml_backend_dev_t device) {
  if (ggml_backend_buft_is_host(type)) return true;
  if (device == nullptr) return false;
  const auto kind = ggml_backend_dev_type(device);
  return kind == GGML_BACKEND_DEVICE_TYPE_CPU || kind == GGML_BACKEND_DEVICE_TYPE_ACCEL;
}

std::string memory_owner(ggml_backend_buffer_type_t type) {
  const ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
  if (is_host(type, device)) return kHostDeviceId;
  return device != nullptr ? ggml_backend_dev_name(device) : ggml_backend_buft_name(type);
}

bool is_mapped(ggml_backend_buffer_type_t type) {
  return std::string_view(ggml_backend_buft_name(type)).ends_with("_Mapped");
}

bool is_pinned_host(ggml_backend_buffer_type_t type) {
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    if (type == ggml_backend_dev_host_buffer_type(ggml_backend_dev_get(i))) return true;
  }
  return false;
}

/// Plain or pinned host memory; not the CPU backend's repacked weights.
bool is_plain_host(ggml_backend_buffer_type_t type) {
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  return (cpu != nullptr && type == ggml_backend_dev_buffer_type(cpu)) || is_pinned_host(type);
}

/// What a backend adds to each buffer of pinned host memory (Vulkan: 32 bytes). Asked of a real
/// one: nothing else tells.
std::uint64_t pinned_padding(ggml_backend_buffer_type_t type) {
  static std::map<ggml_backend_buffer_type_t, std::uint64_t> known;
  const auto found = known.find(type);
  if (found != known.end()) return found->second;
  constexpr std::size_t kAsked = 4096;
  std::uint64_t padding = 0;
  if (const ggml_backend_buffer_t buffer = ggml_backend_buft_alloc_buffer(type, kAsked)) {
    const std::size_t got = ggml_backend_buffer_get_size(buffer);
    padding = got > kAsked ? got - kAsked : 0;
    ggml_backend_buffer_free(buffer);
  }
  return known.emplace(type, padding).first->second;
}

/// The parts of a pretended buffer type as a real load would have them.
llama_memory_breakdown_data with_padding(ggml_backend_buffer_type_t type,
                                         llama_memory_breakdown_data bytes, bool mapped) {
  if (!is_pinned_host(type)) return bytes;
  const std::uint64_t padding = pinned_padding(type);
  if (bytes.model > 0 && !mapped) bytes.model += padding;
  if (bytes.context > 0) bytes.context += padding;
  if (bytes.compute > 0) bytes.compute += padding;
  return bytes;
}

DeviceMemory& entry_of(MemoryMap& map, const std::string& id) {
  const auto found =
      std::find_if(map.begin(), map.end(), [&](const DeviceMemory& m) { return m.id == id; });
  if (found != map.end()) return *found;
  map.push_back(DeviceMemory{id, 0, 0, 0, 0});
  return map.back();
}

/// The number at the start of `text`, and what follows it.
std::optional<std::pair<int, std::string_view>> leading_number(std::string_view text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{}) return std::nullopt;
  return std::pair(value, text.substr(static_cast<std::size_t>(end - text.data())));
}

std::string_view after(std::string_view line, std::string_view marker) {
  const std::size_t at = line.find(marker);
  return at == std::string_view::npos ? std::string_view() : line.substr(at + marker.size());
}

Reading<std::string> cache_type_in(const std::string& line, std::string_view marker) {
  const std::string_view rest = after(line, marker);
  const std::size_t end = rest.find(')');
  if (rest.empty() || end == std::string_view::npos) {
    return Absence{"llama.cpp printed no cache types"};
  }
  return std::string(rest.substr(0, end));
}

template <typename Function>
Function cpu_function(const char* name) {
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (cpu == nullptr) return nullptr;
  return reinterpret_cast<Function>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), name));
}

ggml_threadpool_t new_pool(int threads) {
  using Make = ggml_threadpool_t (*)(ggml_threadpool_params*);
  const auto make = cpu_function<Make>("ggml_threadpool_new");
  if (make == nullptr) return nullptr;
  ggml_threadpool_params params = ggml_threadpool_params_default(threads);
  return make(&params);
}

void free_pool(ggml_threadpool_t& pool) {
  using Free = void (*)(ggml_threadpool_t);
  if (pool == nullptr) return;
  if (const auto release = cpu_function<Free>("ggml_threadpool_free")) release(pool);
  pool = nullptr;
}

}  // namespace

Engine describe_engine() {
  Engine engine;
  engine.llama_version = llama_version();
  engine.llama_build = SWEETSPOT_LLAMA_BUILD;
  engine.ggml_version = ggml_version();
  engine.ggml_commit = ggml_commit();
  for (std::size_t i = 0; i < ggml_backend_reg_count(); ++i) {
    const std::string name = ggml_backend_reg_name(ggml_backend_reg_get(i));
    if (std::find(engine.backends.begin(), engine.backends.end(), name) == engine.backends.end()) {
      engine.backends.push_back(name);
    }
  }
  engine.system_info = llama_print_system_info();
  return engine;
}

llama_load_mode load_mode_of(LoadMode mode) {
  switch (mode) {
    case LoadMode::none:
      return LLAMA_LOAD_MODE_NONE;
    case LoadMode::mmap:
      return LLAMA_LOAD_MODE_MMAP;
    case LoadMode::mlock:
      return LLAMA_LOAD_MODE_MLOCK;
    case LoadMode::mmap_mlock:
      return LLAMA_LOAD_MODE_MMAP_MLOCK;
    case LoadMode::direct_io:
      return LLAMA_LOAD_MODE_DIRECT_IO;
    case LoadMode::automatic:
      break;
  }
  return LLAMA_LOAD_MODE_AUTO;
}

llama_flash_attn_type flash_attn_of(FlashAttention value) {
  switch (value) {
    case FlashAttention::off:
      return LLAMA_FLASH_ATTN_TYPE_DISABLED;
    case FlashAttention::on:
      return LLAMA_FLASH_ATTN_TYPE_ENABLED;
    case FlashAttention::automatic:
      break;
  }
  return LLAMA_FLASH_ATTN_TYPE_AUTO;
}

Offloaded read_offloaded(library_log::Mark since) {
  static constexpr std::string_view kMarker = "offloaded ";
  const std::string line = library_log::last_matching(since, [](std::string_view text) {
    return text.find(kMarker) != std::string_view::npos &&
           text.find(" layers to GPU") != std::string_view::npos;
  });
  const Absence none{"llama.cpp printed no offload report"};
  const auto layers = leading_number(after(line, kMarker));
  if (!layers || layers->second.empty() || layers->second.front() != '/') return {none, none};
  const auto total = leading_number(layers->second.substr(1));
  if (!total) return {none, none};
  return {layers->first, total->first};
}

Reading<std::string> read_flash_attention(library_log::Mark since) {
  Reading<std::string> state = Absence{"llama.cpp printed no decision"};
  for (const std::string& line : library_log::lines_since(since)) {
    // "flash_attn = enabled|disabled|auto" when the context starts. Where it is auto, the decision
    // is "Flash Attention enabled", "... not supported, set to disabled" or, before 0.7.0, "... was
    // auto, set to enabled".
    const bool about_it = line.find("context: flash_attn ") != std::string::npos ||
                          line.find("Flash Attention") != std::string::npos;
    if (!about_it) continue;
    if (line.find("enabled") != std::string::npos) state = std::string("on");
    if (line.find("disabled") != std::string::npos) state = std::string("off");
  }
  return state;
}

CacheTypes read_cache_types(library_log::Mark since) {
  const std::string line = library_log::last_matching(since, [](std::string_view text) {
    return text.find(" K (") != std::string_view::npos &&
           text.find(" V (") != std::string_view::npos;
  });
  return {cache_type_in(line, " K ("), cache_type_in(line, " V (")};
}

bool can_read_memory() { return llama_get_memory_breakdown != nullptr; }

Breakdown read_memory(const llama_context* context, Allocation allocation) {
  if (!can_read_memory()) {
    return {{}, "this llama.cpp does not export its memory breakdown"};
  }
  Breakdown out;
  for (const auto& [type, reported] : llama_get_memory_breakdown(context)) {
    const bool real = allocation == Allocation::real;
    const bool mapped =
        real ? is_mapped(type) : allocation == Allocation::pretended_mapped && is_plain_host(type);
    const auto bytes = real ? reported : with_padding(type, reported, mapped);
    DeviceMemory& entry = entry_of(out.memory, memory_owner(type));
    entry.model_bytes += bytes.model;
    entry.context_bytes += bytes.context;
    entry.compute_bytes += bytes.compute;
    if (mapped && entry.id == kHostDeviceId) entry.mapped_bytes += bytes.model;
  }
  // ggml's order is that of pointers; sorted, equal runs print equal maps.
  std::sort(out.memory.begin(), out.memory.end(),
            [](const DeviceMemory& a, const DeviceMemory& b) { return a.id < b.id; });
  return out;
}

void ThreadPools::attach(llama_context* context, int threads, int threads_batch) {
  release();
  single_ = new_pool(threads);
  if (single_ == nullptr) return;
  if (threads_batch != threads) batch_ = new_pool(threads_batch);
  llama_attach_threadpool(context, single_, batch_);
}

void ThreadPools::release() {
  free_pool(single_);
  free_pool(batch_);
}

}  // namespace sweetspot::worker
