#include "gguf/model_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include "gguf/model_files.hpp"
#include "gguf/types.hpp"

namespace sweetspot::gguf {
namespace {

/// A file cannot have more blocks than tensors; this many more are allowed for blocks without
/// weights.
constexpr std::uint64_t kSpareBlocks = 512;
constexpr int kMaxUnstatedBlocks = 65536;
constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325ULL;

/// Prefixes of the keys that only models with a recurrent state have.
constexpr std::array<std::string_view, 3> kRecurrentKeys = {"ssm.conv_kernel", "wkv.head_size",
                                                            "shortconv.l_cache"};

struct KnownKind {
  std::string_view architecture;
  ModelKind kind;
};

/// Architectures that llama.cpp gives no cache (llama_model::create_memory), or that have an
/// encoder (llama_model_has_encoder); every other one decodes. What is missing here is seen when
/// its context is made, and refused there.
constexpr std::array<KnownKind, 16> kKinds = {{
    {"bert", ModelKind::encoder},
    {"modern-bert", ModelKind::encoder},
    {"nomic-bert", ModelKind::encoder},
    {"nomic-bert-moe", ModelKind::encoder},
    {"neo-bert", ModelKind::encoder},
    {"jina-bert-v2", ModelKind::encoder},
    {"jina-bert-v3", ModelKind::encoder},
    {"eurobert", ModelKind::encoder},
    {"gemma-embedding", ModelKind::encoder},
    {"wavtokenizer-dec", ModelKind::encoder},
    {"t5encoder", ModelKind::encoder},
    {"t5", ModelKind::encoder_decoder},
    {"dream", ModelKind::diffusion},
    {"llada", ModelKind::diffusion},
    {"llada-moe", ModelKind::diffusion},
    {"rnd1", ModelKind::diffusion},
}};

ModelKind kind_of(std::string_view architecture) {
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(), [&](const KnownKind& known) {
    return known.architecture == architecture;
  });
  return found == kKinds.end() ? ModelKind::decoder : found->kind;
}

/// By the number that llama.cpp's enum llama_pooling_type has for it.
Reading<std::string> pooling_of(const Header& file, const std::string& architecture) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "mean", "cls", "last", "rank"};
  const auto number = file.integer(architecture + ".pooling_type");
  if (!number) return Absence{"not in the file"};
  if (*number >= kNames.size()) return Absence{fmt::format("unknown type {}", *number)};
  return std::string(kNames[*number]);
}

int to_int(std::uint64_t value) {
  return static_cast<int>(std::min<std::uint64_t>(value, std::numeric_limits<int>::max()));
}

Reading<int> per_model(const Header& file, const std::string& key) {
  if (file.array(key) != nullptr) return Absence{"differs by layer"};
  if (const auto value = file.integer(key)) return to_int(*value);
  return Absence{"not in the file"};
}

std::string dominant_type(const std::vector<Header>& files) {
  std::map<std::uint32_t, std::uint64_t> bytes;
  for (const Header& file : files) {
    for (const Tensor& tensor : file.tensors()) bytes[tensor.type] += tensor.bytes;
  }
  const auto largest = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (largest == bytes.end()) return "unknown";
  const auto type = tensor_type(largest->first);
  return type ? fmt::format("{} (by its tensors)", type->name)
              : fmt::format("type {} (by its tensors)", largest->first);
}

std::string quantization_of(const std::vector<Header>& files) {
  const auto type = files.front().integer("general.file_type");
  const auto name = type ? file_type_name(*type) : std::nullopt;
  return name ? std::string(*name) : dominant_type(files);
}

/// One more than the highest block that has a tensor.
int blocks_with_tensors(const std::vector<Header>& files) {
  int blocks = 0;
  for (const Header& file : files) {
    for (const Tensor& tensor : file.tensors()) {
      const auto block = block_of(tensor.name);
      if (block && *block < kMaxUnstatedBlocks) blocks = std::max(blocks, *block + 1);
    }
  }
  return blocks;
}

/// Blocks as the file states them, or why that cannot be. An architecture that nobody knows may
/// state them elsewhere, so without a statement the tensors are counted.
Read<int> count_blocks(const std::vector<Header>& files, const std::string& key) {
  std::uint64_t tensors = 0;
  for (const Header& file : files) tensors += file.tensors().size();
  const Header& first = files.front();
  const auto stated = first.integer(key);
  const auto refused = [&](const std::string& why) {
    return invalid(fmt::format("{} cannot be used: {}", first.stamp().path, why));
  };
  if (!stated && first.has(key)) return refused(fmt::format("{} is not a count", key));
  if (!stated) return blocks_with_tensors(files);
  if (*stated == 0) return refused(fmt::format("its header says {} = 0", key));
  if (*stated > tensors + kSpareBlocks) {
    return refused(fmt::format("its header says {} = {}, but it holds only {} tensors", key,
                               *stated, tensors));
  }
  return static_cast<int>(*stated);
}

void add_tensors(ModelInfo& model, const Header& file, bool& has_attention) {
  for (const Tensor& tensor : file.tensors()) {
    const std::string_view name = tensor.name;
    const std::uint64_t bytes = tensor.bytes;
    model.n_params += tensor.elements();
    model.size_bytes += bytes;
    has_attention = has_attention || is_attention(name);
    const auto block = block_of(name);
    if (block && static_cast<std::size_t>(*block) < model.layers.size()) {
      LayerSize& layer = model.layers[static_cast<std::size_t>(*block)];
      layer.bytes += bytes;
      if (name.find("_exps") != std::string_view::npos) layer.expert_bytes += bytes;
    } else {
      model.non_layer_bytes += bytes;
    }
  }
}

void read_geometry(ModelInfo& model, const Header& file) {
  const std::string prefix = model.architecture + ".";
  const auto number = [&](const char* key) {
    return to_int(file.integer(prefix + key).value_or(0));
  };
  model.n_ctx_train = number("context_length");
  model.n_embd = number("embedding_length");
  model.n_expert = number("expert_count");
  model.n_expert_used = number("expert_used_count");
  model.n_head = per_model(file, prefix + "attention.head_count");
  model.n_head_kv = per_model(file, prefix + "attention.head_count_kv");
  // Without a count of their own, K and V have as many heads as Q.
  if (!model.n_head_kv && !file.has(prefix + "attention.head_count_kv")) {
    model.n_head_kv = model.n_head;
  }
  model.n_ff = per_model(file, prefix + "feed_forward_length");
  const Array* const tokens = file.array("tokenizer.ggml.tokens");
  model.n_vocab =
      to_int(tokens != nullptr ? tokens->count : file.integer(prefix + "vocab_size").value_or(0));
}

}  // namespace

std::optional<int> block_of(std::string_view tensor) {
  constexpr std::string_view kPrefix = "blk.";
  if (tensor.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  tensor.remove_prefix(kPrefix.size());
  int block = 0;
  const auto [end, failure] = std::from_chars(tensor.data(), tensor.data() + tensor.size(), block);
  const bool complete = end != tensor.data() + tensor.size() && *end == '.';
  if (failure != std::errc{} || !complete || block < 0) return std::nullopt;
  return block;
}

bool is_attention(std::string_view tensor) {
  return tensor.find(".attn_q.weight") != std::string_view::npos ||
         tensor.find(".attn_qkv.weight") != std::string_view::npos;
}

Read<ModelInfo> inspect_model(const std::string& path, Extents extents) {
  const auto files = read_model_files(path, extents);
  if (!files) return tl::unexpected(files.error());
  const Header& first = files->front();

  ModelInfo model;
  model.path = path;
  const auto architecture = first.text("general.architecture");
  if (!architecture || architecture->empty()) {
    return invalid(fmt::format("{} cannot be used: its header has no general.architecture", path));
  }
  model.architecture = *architecture;
  if (const auto name = first.text("general.name")) {
    model.name = *name;
  } else {
    model.name = Absence{"not in the file"};
  }

  const auto blocks = count_blocks(*files, model.architecture + ".block_count");
  if (!blocks) return tl::unexpected(blocks.error());
  model.n_layer = *blocks;
  model.layers.resize(static_cast<std::size_t>(*blocks));
  for (int i = 0; i < *blocks; ++i) model.layers[static_cast<std::size_t>(i)].block = i;

  bool has_attention = false;
  std::uint64_t hash = kFnvStart;
  for (const Header& file : *files) {
    model.files.push_back(file.stamp());
    add_tensors(model, file, has_attention);
    hash = file.hash(hash);
  }
  read_geometry(model, first);
  const bool has_state = std::any_of(
      kRecurrentKeys.begin(), kRecurrentKeys.end(),
      [&](std::string_view key) { return first.has(model.architecture + "." + std::string(key)); });
  model.recurrent = has_state && !has_attention;
  model.hybrid = has_state && has_attention;
  model.kind = kind_of(model.architecture);
  model.pooling = pooling_of(first, model.architecture);
  model.quantization = quantization_of(*files);
  model.fingerprint = fmt::format("{:016x}", hash);
  return model;
}

}  // namespace sweetspot::gguf
