// The calls into llama.cpp that need care, and owners for what it hands out. A change of
// llama.cpp's API concerns this room, and mostly this file.
#pragma once

#include <llama.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/memory_map.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"
#include "worker/library_log.hpp"

namespace sweetspot::worker {

struct ModelDeleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
};
struct ContextDeleter {
  void operator()(llama_context* context) const { llama_free(context); }
};
using ModelHandle = std::unique_ptr<llama_model, ModelDeleter>;
using ContextHandle = std::unique_ptr<llama_context, ContextDeleter>;

/// Versions, registered backends and the features they were built with.
Engine describe_engine();

llama_load_mode load_mode_of(LoadMode mode);
llama_flash_attn_type flash_attn_of(FlashAttention value);

/// What llama.cpp's load report says it offloaded. Both absent where it printed nothing.
struct Offloaded {
  Reading<int> layers;
  Reading<int> offloadable;
};
Offloaded read_offloaded(library_log::Mark since);

/// "on" or "off", as decided for a context made since `since`.
Reading<std::string> read_flash_attention(library_log::Mark since);

/// Types of the K and V cache of a context made since `since`.
struct CacheTypes {
  Reading<std::string> k;
  Reading<std::string> v;
};
CacheTypes read_cache_types(library_log::Mark since);

/// Bytes per device; empty, with the reason, where this llama.cpp cannot tell.
struct Breakdown {
  MemoryMap memory;
  std::string note;
};

/// How the context came to its memory.
enum class Allocation {
  real,
  pretended,         ///< no_alloc
  pretended_mapped,  ///< no_alloc, and the real one will map its weights: llama.cpp then maps what
                     ///< it keeps in plain and in pinned host memory
};
Breakdown read_memory(const llama_context* context, Allocation allocation = Allocation::real);

/// False where this llama.cpp does not export its breakdown.
bool can_read_memory();

/// CPU threads kept alive between graphs, as llama-bench and llama-server keep them.
class ThreadPools {
 public:
  ThreadPools() = default;
  ThreadPools(const ThreadPools&) = delete;
  ThreadPools& operator=(const ThreadPools&) = delete;
  ~ThreadPools() { release(); }

  /// Gives `context` pools of these sizes. Does nothing where the CPU backend has none to give.
  void attach(llama_context* context, int threads, int threads_batch);
  /// Only after the context is gone.
  void release();

 private:
  ggml_threadpool_t single_ = nullptr;
  ggml_threadpool_t batch_ = nullptr;
};

}  // namespace sweetspot::worker
