#include "core/knobs.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "core/no_device.hpp"
#include "ground/pieces.hpp"

namespace sweetspot {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// The cache types llama.cpp's own programs accept for -ctk and -ctv (common/arg.cpp,
// kv_cache_types).
constexpr std::array<std::string_view, 9> kCacheTypes = {"f32",  "f16",    "bf16", "q8_0", "q4_0",
                                                         "q4_1", "iq4_nl", "q5_0", "q5_1"};

Status wrong(std::string_view flag, std::string_view text, std::string_view takes) {
  return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, text),
               fmt::format("give {}", takes));
}

template <typename Number>
Status set_number(Number& target, std::string_view flag, std::string_view text, std::int64_t low,
                  std::int64_t high) {
  const auto value = number_of<std::int64_t>(text);
  if (!value || *value < low || *value > high) {
    return wrong(flag, text, fmt::format("a whole number from {} to {}", low, high));
  }
  target = static_cast<Number>(*value);
  return {};
}

Status set_cache_type(std::string& target, std::string_view flag, std::string_view text) {
  for (const std::string_view type : kCacheTypes) {
    if (text == type) {
      target = text;
      return {};
    }
  }
  return wrong(flag, text, fmt::format("one of {}", fmt::join(kCacheTypes, ", ")));
}

template <typename Enum>
Status set_enum(Enum& target, std::string_view flag, std::string_view text,
                std::optional<Enum> parsed, std::string_view takes) {
  if (!parsed) return wrong(flag, text, takes);
  target = *parsed;
  return {};
}

// As llama.cpp reads its lists: empty parts are none.
std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> parts;
  for (const std::string_view part : split(text, ',')) {
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

constexpr std::int64_t kMaxTokens = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxThreads = 512;    // GGML_MAX_N_THREADS
constexpr std::int64_t kMaxBlocks = 512;     // LLAMA_MAX_LAYERS
constexpr std::int64_t kMaxSequences = 256;  // LLAMA_MAX_SEQ
constexpr std::int64_t kMaxDevices = 64;

// llama.cpp's words for yes and no (common/arg.cpp, is_truthy and is_falsey).
std::string_view on_or_off(std::string_view text) {
  if (text == "true" || text == "1" || text == "enabled") return "on";
  if (text == "false" || text == "0" || text == "disabled") return "off";
  return text;
}

Status set_switch(bool& target, std::string_view flag, std::string_view text) {
  const std::string_view word = on_or_off(text);
  if (word != "on" && word != "off") return wrong(flag, text, "on or off");
  target = word == "on";
  return {};
}

Status set_flash_attention(FlashAttention& target, std::string_view text) {
  const std::string_view word = text == "-1" ? "auto" : on_or_off(text);
  return set_enum(target, "--flash-attn", text, from_string<FlashAttention>(word),
                  "on, off or auto");
}

// "all" and "auto" are llama.cpp's words; which layers "auto" leaves out, the command finds.
Status set_layers(int& target, std::string_view text) {
  if (text == "all" || text == "auto") {
    target = -1;
    return {};
  }
  constexpr const char* kFlag = "--n-gpu-layers";
  if (set_number(target, kFlag, text, -1, kMaxTokens)) return {};
  return wrong(kFlag, text, fmt::format("a whole number from 0 to {}, all or auto", kMaxTokens));
}

Status set_devices(std::vector<std::string>& target, std::string_view text) {
  std::vector<std::string> devices = list_of(text);
  const bool none = std::find(devices.begin(), devices.end(), kNoDevice) != devices.end();
  if (devices.empty() || (none && devices.size() > 1)) {
    return wrong("--device", text, "one or more device names, or none");
  }
  target = std::move(devices);
  return {};
}

// As llama-server decides by itself where it is told nothing, or -1: four slots share one cache.
Status set_sequences(ContextSettings& context, std::string_view text) {
  if (text == "-1") {
    context.n_parallel = 4;
    context.kv_unified = true;
    return {};
  }
  return set_number(context.n_parallel, "--parallel", text, 1, kMaxSequences);
}

Status set_split(std::vector<double>& target, std::string_view text) {
  constexpr const char* kTakes = "a share for each device, for example 3,1";
  std::vector<double> shares;
  double sum = 0;
  std::string commas(text);
  std::replace(commas.begin(), commas.end(), '/', ',');  // both separate shares
  for (const std::string& part : list_of(commas)) {
    const auto share = number_of<double>(part);
    if (!share || !std::isfinite(*share) || *share < 0) {
      return wrong("--tensor-split", text, kTakes);
    }
    shares.push_back(*share);
    sum += *share;
  }
  if (shares.empty() || !std::isfinite(sum) || sum <= 0)
    return wrong("--tensor-split", text, kTakes);
  target = std::move(shares);
  return {};
}

Status set_overrides(std::vector<std::string>& target, std::string_view text) {
  std::vector<std::string> overrides = list_of(text);
  const auto incomplete = [](const std::string& each) {
    const std::size_t equals = each.rfind('=');
    return equals == std::string::npos || equals == 0 || equals + 1 == each.size();
  };
  if (overrides.empty() || std::any_of(overrides.begin(), overrides.end(), incomplete)) {
    return wrong("--override-tensor", text, "PATTERN=BUFFER-TYPE, for example 'ffn_.*_exps=CPU'");
  }
  target = std::move(overrides);
  return {};
}

const std::array<Knob, 25> kKnobs = {{
    {"n_gpu_layers", "-ngl,--n-gpu-layers,--gpu-layers", "LLAMA_ARG_N_GPU_LAYERS", "N",
     "layers kept on the device, -1 = all",
     [](const Config& c) -> KnobValue { return std::int64_t{c.placement.n_gpu_layers}; },
     [](Config& c, std::string_view text) { return set_layers(c.placement.n_gpu_layers, text); }},
    {"devices", "-dev,--device", "LLAMA_ARG_DEVICE", "ID,...",
     "devices to offload to, as `sweetspot devices` names them; none = the CPU alone",
     [](const Config& c) -> KnobValue { return c.placement.devices; },
     [](Config& c, std::string_view text) { return set_devices(c.placement.devices, text); }},
    {"load_mode", "-lm,--load-mode", "LLAMA_ARG_LOAD_MODE", "MODE",
     "auto, none, mmap, mlock, mmap+mlock or dio",
     [](const Config& c) -> KnobValue { return std::string(to_string(c.placement.load_mode)); },
     [](Config& c, std::string_view text) {
       return set_enum(c.placement.load_mode, "--load-mode", text, from_string<LoadMode>(text),
                       "auto, none, mmap, mlock, mmap+mlock or dio");
     }},
    {"split_mode", "-sm,--split-mode", "LLAMA_ARG_SPLIT_MODE", "MODE",
     "how several devices share: none, layer, row, tensor",
     [](const Config& c) -> KnobValue { return std::string(to_string(c.placement.split_mode)); },
     [](Config& c, std::string_view text) {
       return set_enum(c.placement.split_mode, "--split-mode", text, from_string<SplitMode>(text),
                       "none, layer, row or tensor");
     }},
    {"tensor_split", "-ts,--tensor-split", "LLAMA_ARG_TENSOR_SPLIT", "N0,N1,...",
     "share of each device, default by free memory",
     [](const Config& c) -> KnobValue { return c.placement.tensor_split; },
     [](Config& c, std::string_view text) { return set_split(c.placement.tensor_split, text); }},
    {"main_gpu", "-mg,--main-gpu", "LLAMA_ARG_MAIN_GPU", "INDEX",
     "the device used with --split-mode none",
     [](const Config& c) -> KnobValue { return std::int64_t{c.placement.main_gpu}; },
     [](Config& c, std::string_view text) {
       return set_number(c.placement.main_gpu, "--main-gpu", text, 0, kMaxDevices);
     }},
    {"n_cpu_moe", "-ncmoe,--n-cpu-moe", "LLAMA_ARG_N_CPU_MOE", "N",
     "blocks whose experts stay on the CPU",
     [](const Config& c) -> KnobValue { return std::int64_t{c.placement.n_cpu_moe}; },
     [](Config& c, std::string_view text) {
       return set_number(c.placement.n_cpu_moe, "--n-cpu-moe", text, 0, kMaxBlocks);
     }},
    {"n_cpu_ffn", "-ncffn,--n-cpu-ffn", "LLAMA_ARG_N_CPU_FFN", "N",
     "blocks whose dense feed-forward stays on the CPU",
     [](const Config& c) -> KnobValue { return std::int64_t{c.placement.n_cpu_ffn}; },
     [](Config& c, std::string_view text) {
       return set_number(c.placement.n_cpu_ffn, "--n-cpu-ffn", text, 0, kMaxBlocks);
     }},
    {"override_tensor", "-ot,--override-tensor", "LLAMA_ARG_OVERRIDE_TENSOR", "REGEX=TYPE,...",
     "buffer type for tensors of these names",
     [](const Config& c) -> KnobValue { return c.placement.override_tensor; },
     [](Config& c, std::string_view text) {
       return set_overrides(c.placement.override_tensor, text);
     }},
    {"n_ctx", "-c,--ctx-size", "LLAMA_ARG_CTX_SIZE", "N",
     "context size in tokens, 0 = as long as the model was trained for",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_ctx}; },
     [](Config& c, std::string_view text) {
       return set_number(c.context.n_ctx, "--ctx-size", text, 0, kMaxTokens);
     }},
    {"n_batch", "-b,--batch-size", "LLAMA_ARG_BATCH", "N", "logical batch size",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_batch}; },
     [](Config& c, std::string_view text) {
       return set_number(c.context.n_batch, "--batch-size", text, 1, kMaxTokens);
     }},
    {"n_ubatch", "-ub,--ubatch-size", "LLAMA_ARG_UBATCH", "N", "physical batch size",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_ubatch}; },
     [](Config& c, std::string_view text) {
       return set_number(c.context.n_ubatch, "--ubatch-size", text, 1, kMaxTokens);
     }},
    {"type_k", "-ctk,--cache-type-k", "LLAMA_ARG_CACHE_TYPE_K", "TYPE", "type of the K cache",
     [](const Config& c) -> KnobValue { return c.context.type_k; },
     [](Config& c, std::string_view text) {
       return set_cache_type(c.context.type_k, "--cache-type-k", text);
     }},
    {"type_v", "-ctv,--cache-type-v", "LLAMA_ARG_CACHE_TYPE_V", "TYPE", "type of the V cache",
     [](const Config& c) -> KnobValue { return c.context.type_v; },
     [](Config& c, std::string_view text) {
       return set_cache_type(c.context.type_v, "--cache-type-v", text);
     }},
    {"flash_attn", "-fa,--flash-attn", "LLAMA_ARG_FLASH_ATTN", "on|off|auto", "flash attention",
     [](const Config& c) -> KnobValue { return std::string(to_string(c.context.flash_attn)); },
     [](Config& c, std::string_view text) {
       return set_flash_attention(c.context.flash_attn, text);
     }},
    {"n_parallel", "-np,--parallel", "LLAMA_ARG_N_PARALLEL", "N", "sequences decoded side by side",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_parallel}; },
     [](Config& c, std::string_view text) { return set_sequences(c.context, text); }},
    {"kv_unified", "-kvu,--kv-unified,-no-kvu,--no-kv-unified", "LLAMA_ARG_KV_UNIFIED", "",
     "one cache that all sequences share",
     [](const Config& c) -> KnobValue { return c.context.kv_unified; },
     [](Config& c, std::string_view text) {
       return set_switch(c.context.kv_unified, "--kv-unified", text);
     }},
    {"kv_offload", "-kvo,--kv-offload,-nkvo,--no-kv-offload", "LLAMA_ARG_KV_OFFLOAD", "",
     "the cache of offloaded layers lies on the device",
     [](const Config& c) -> KnobValue { return c.context.kv_offload; },
     [](Config& c, std::string_view text) {
       return set_switch(c.context.kv_offload, "--kv-offload", text);
     }},
    {"swa_full", "--swa-full", "LLAMA_ARG_SWA_FULL", "",
     "whole context for sliding-window layers too",
     [](const Config& c) -> KnobValue { return c.context.swa_full; },
     [](Config& c, std::string_view text) {
       return set_switch(c.context.swa_full, "--swa-full", text);
     }},
    {"n_threads", "-t,--threads", "LLAMA_ARG_THREADS", "N",
     "CPU threads, 0 = the cores that may be used",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_threads}; },
     [](Config& c, std::string_view text) {
       return set_number(c.context.n_threads, "--threads", text, 0, kMaxThreads);
     }},
    {"n_threads_batch", "-tb,--threads-batch", "", "N", "CPU threads for prompts, 0 = as --threads",
     [](const Config& c) -> KnobValue { return std::int64_t{c.context.n_threads_batch}; },
     [](Config& c, std::string_view text) {
       return set_number(c.context.n_threads_batch, "--threads-batch", text, 0, kMaxThreads);
     }},
    {"embeddings", "--embedding,--embeddings", "LLAMA_ARG_EMBEDDINGS", "",
     "only turn whole inputs into vectors or scores",
     [](const Config& c) -> KnobValue { return c.context.embeddings; },
     [](Config& c, std::string_view text) {
       return set_switch(c.context.embeddings, "--embedding", text);
     }},
    {"pooling", "--pooling", "LLAMA_ARG_POOLING", "TYPE",
     "one vector of all: none, mean, cls, last, rank; model = as it says",
     [](const Config& c) -> KnobValue { return std::string(to_string(c.context.pooling)); },
     [](Config& c, std::string_view text) {
       return set_enum(c.context.pooling, "--pooling", text, from_string<Pooling>(text),
                       "none, mean, cls, last, rank or model");
     }},
    {"cache_ram_mib", "-cram,--cache-ram", "LLAMA_ARG_CACHE_RAM", "MIB",
     "MiB of host memory in which llama-server keeps prompts, 0 = none, -1 = no limit",
     [](const Config& c) -> KnobValue { return std::int64_t{c.server.cache_ram_mib}; },
     [](Config& c, std::string_view text) {
       return set_number(c.server.cache_ram_mib, "--cache-ram", text, -1, kMaxTokens);
     },
     /*server_only=*/true},
    {"n_ctx_checkpoints", "-ctxcp,--ctx-checkpoints", "LLAMA_ARG_CTX_CHECKPOINTS", "N",
     "checkpoints that llama-server keeps of each sequence of a sliding or recurrent cache",
     [](const Config& c) -> KnobValue { return std::int64_t{c.server.n_ctx_checkpoints}; },
     [](Config& c, std::string_view text) {
       return set_number(c.server.n_ctx_checkpoints, "--ctx-checkpoints", text, 0, kMaxTokens);
     },
     /*server_only=*/true},
}};

}  // namespace

std::span<const Knob> knobs() { return kKnobs; }

bool is_switch(const Knob& knob) { return std::holds_alternative<bool>(knob.get(Config{})); }

std::string knob_text(const KnobValue& value) {
  return std::visit(
      Overloaded{[](bool on) { return std::string(on ? "on" : "off"); },
                 [](std::int64_t number) { return fmt::format("{}", number); },
                 [](const std::string& text) { return text; },
                 [](const auto& list) { return fmt::format("{}", fmt::join(list, ",")); }},
      value);
}

const Knob* find_knob(std::string_view name) {
  for (const Knob& knob : kKnobs) {
    if (knob.name == name) return &knob;
  }
  return nullptr;
}

}  // namespace sweetspot
