// What is set before a model runs: placement (changing it costs a load) and context settings
// (changing them costs a new context). Field names are llama.cpp's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/ranges.hpp"
#include "core/reading.hpp"

namespace sweetspot {

enum class FlashAttention { automatic, off, on };

constexpr EnumNames<FlashAttention, 3> names_of(FlashAttention /*of*/) {
  return {{
      {FlashAttention::automatic, "auto"},
      {FlashAttention::off, "off"},
      {FlashAttention::on, "on"},
  }};
}

enum class LoadMode { automatic, none, mmap, mlock, mmap_mlock, direct_io };

constexpr EnumNames<LoadMode, 6> names_of(LoadMode /*of*/) {
  return {{
      {LoadMode::automatic, "auto"},
      {LoadMode::none, "none"},
      {LoadMode::mmap, "mmap"},
      {LoadMode::mlock, "mlock"},
      {LoadMode::mmap_mlock, "mmap+mlock"},
      {LoadMode::direct_io, "dio"},
  }};
}

enum class SplitMode { none, layer, row, tensor };

constexpr EnumNames<SplitMode, 4> names_of(SplitMode /*of*/) {
  return {{
      {SplitMode::none, "none"},
      {SplitMode::layer, "layer"},
      {SplitMode::row, "row"},
      {SplitMode::tensor, "tensor"},
  }};
}

/// How the vectors of an input's tokens become one; rank: a score instead of a vector.
enum class Pooling { of_model, none, mean, cls, last, rank };

constexpr EnumNames<Pooling, 6> names_of(Pooling /*of*/) {
  return {{
      {Pooling::of_model, "model"},
      {Pooling::none, "none"},
      {Pooling::mean, "mean"},
      {Pooling::cls, "cls"},
      {Pooling::last, "last"},
      {Pooling::rank, "rank"},
  }};
}

/// How the program that loads a config makes its context, which decides part of what it takes.
enum class HostProgram {
  /// Room for the logits of one token of each sequence: llama-server, llama-cli and what starts
  /// them.
  llama_server,
  /// libllama's default, room for the logits of every token of a batch: llama-cpp-python,
  /// KoboldCpp, llama-completion, llama-bench.
  libllama,
};

constexpr EnumNames<HostProgram, 2> names_of(HostProgram /*of*/) {
  return {{{HostProgram::llama_server, "llama-server"}, {HostProgram::libllama, "libllama"}}};
}

/// Decides where weights lie.
struct Placement {
  int n_gpu_layers = -1;  ///< as requested; -1 and anything above the total mean all
  std::vector<std::string>
      devices;  ///< ggml names to offload to; empty = all that can be offloaded to
  LoadMode load_mode = LoadMode::automatic;
  SplitMode split_mode = SplitMode::layer;
  std::vector<double> tensor_split =
      {};             ///< share of each device, any scale; empty = by free memory
  int main_gpu = 0;   ///< the device of split mode none, and of row's intermediate results
  int n_cpu_moe = 0;  ///< blocks from the first whose expert weights stay on the CPU
  int n_cpu_ffn = 0;  ///< blocks from the first whose dense feed-forward weights stay on the CPU
  std::vector<std::string> override_tensor =
      {};  ///< "regex of tensor names=buffer type", first wins

  bool operator==(const Placement&) const = default;
};

/// Only costs a new context.
struct ContextSettings {
  std::uint32_t n_ctx = 4096;
  std::uint32_t n_batch = 2048;
  std::uint32_t n_ubatch = 512;
  std::string type_k = "f16";  ///< ggml type name of the K cache
  std::string type_v = "f16";
  FlashAttention flash_attn = FlashAttention::automatic;
  std::uint32_t n_parallel = 1;  ///< sequences (llama.cpp's n_seq_max)
  bool kv_unified = false;       ///< the sequences share n_ctx; otherwise each has its part of it
  bool kv_offload = true;        ///< the cache of an offloaded layer lies on its device
  bool swa_full = false;         ///< sliding-window layers keep a cache of the whole context
  int n_threads = 0;             ///< 0 = one for each core that may be used; reported back
  int n_threads_batch = 0;       ///< 0 = as n_threads
  /// Whole inputs become vectors or scores, nothing is generated (llama-server's --embedding).
  bool embeddings = false;
  Pooling pooling = Pooling::of_model;
  /// Not a setting of llama.cpp, so not in the table of knobs: what the other settings leave to the
  /// program.
  HostProgram host_program = HostProgram::llama_server;

  bool operator==(const ContextSettings&) const = default;
};

/// Into how many parts of their own n_ctx is divided: one for each sequence, or 1 where they share
/// it.
std::uint32_t context_parts(const ContextSettings& context);

/// What llama-server keeps in host memory beside the context. No other program looks at it, and a
/// measurement does not depend on it.
struct ServerSettings {
  int cache_ram_mib = 8192;  ///< at most, for prompts of earlier requests; 0 = none, -1 = no limit
  int n_ctx_checkpoints = 32;  ///< at most, of each sequence, where its cache cannot be cut back

  bool operator==(const ServerSettings&) const = default;
};

struct Config {
  Placement placement;
  ContextSettings context;
  ServerSettings server = {};

  bool operator==(const Config&) const = default;
};

/// What llama.cpp says it really uses, read back after the context exists.
struct EffectiveConfig {
  Reading<int> n_gpu_layers;  ///< from llama.cpp's load report, absent where it printed none
  std::uint32_t n_ctx = 0;
  std::uint32_t n_batch = 0;
  std::uint32_t n_ubatch = 0;
  int n_threads = 0;
  int n_threads_batch = 0;
  Reading<std::string> flash_attn;  ///< "on" or "off"
  Reading<std::string> type_k;
  Reading<std::string> type_v;
};

void fields(auto& f, Is<EffectiveConfig> auto& config) {
  f("n_ctx", config.n_ctx, kPlausibleTokens);
  f("n_batch", config.n_batch, kPlausibleTokens);
  f("n_ubatch", config.n_ubatch, kPlausibleTokens);
  f("n_threads", config.n_threads, kPlausibleThreads);
  f("n_threads_batch", config.n_threads_batch, kPlausibleThreads);
  f("n_gpu_layers", config.n_gpu_layers, kPlausibleBlocks);
  f("flash_attn", config.flash_attn);
  f("type_k", config.type_k);
  f("type_v", config.type_v);
}

/// The layers really offloaded for a request: llama.cpp clamps to `offloadable` (blocks + output)
/// and reads every negative number as all. Shape: count, 0..offloadable.
int effective_layers(int requested, int offloadable);

/// What is generated and measured: prompt tokens, generated tokens, tokens already in the cache,
/// all of each sequence. As in llama-bench, prompt and generation are each measured at depth
/// n_depth. Where a model only reads (embeddings, scores) n_gen is 0 and a prompt is a whole input.
struct Workload {
  std::uint32_t n_prompt = 512;
  std::uint32_t n_gen = 128;
  std::uint32_t n_depth = 0;
  /// Sequences that generate side by side, as many as the context has; the speed of generation is
  /// that of all of them together. Prompts come one at a time.
  std::uint32_t n_parallel = 1;

  [[nodiscard]] bool generates() const { return n_gen > 0; }

  bool operator==(const Workload&) const = default;
};

void fields(auto& f, Is<Workload> auto& workload) {
  f("n_prompt", workload.n_prompt, kPlausibleTokens);
  f("n_gen", workload.n_gen, kPlausibleTokens);
  f("n_depth", workload.n_depth, kPlausibleTokens);
  f("n_parallel", workload.n_parallel, kPlausibleTokens);
}

}  // namespace sweetspot
