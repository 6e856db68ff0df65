// What a GGUF file says of itself. Values only.
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

/// Bytes of the weights that belong to one block, as they lie in the file.
struct LayerSize {
  int block = 0;
  std::uint64_t bytes = 0;
  std::uint64_t expert_bytes = 0;  ///< part of `bytes` that holds MoE experts
};

void fields(auto& f, Is<LayerSize> auto& layer) {
  f("block", layer.block, kPlausibleBlocks);
  f("bytes", layer.bytes, kPlausibleBytes);
  f("expert_bytes", layer.expert_bytes, kPlausibleBytes);
}

/// Identity of a file on disk, to notice that it changed under us.
struct FileStamp {
  std::string path;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileStamp&) const = default;
};

void fields(auto& f, Is<FileStamp> auto& stamp) {
  f("path", stamp.path);
  f("size_bytes", stamp.size_bytes, kPlausibleBytes);
  f("mtime_ns", stamp.mtime_ns);
  f("inode", stamp.inode);
}

/// What llama.cpp does with a model, told from its architecture.
enum class ModelKind {
  decoder,          ///< reads and writes: each token follows from a cache of those before it
  encoder,          ///< only reads: a whole input at once becomes a vector or a score (BERT)
  encoder_decoder,  ///< reads with one half and writes with the other (T5)
  diffusion,        ///< writes whole texts at once, in steps (LLaDA)
};

constexpr EnumNames<ModelKind, 4> names_of(ModelKind /*of*/) {
  return {{
      {ModelKind::decoder, "decoder"},
      {ModelKind::encoder, "encoder"},
      {ModelKind::encoder_decoder, "encoder-decoder"},
      {ModelKind::diffusion, "diffusion"},
  }};
}

/// Text fields come from the file: hostile until escaped (core/text.hpp).
struct ModelInfo {
  std::string path;
  std::vector<FileStamp> files;  ///< one, or every split in order
  std::string architecture;      ///< general.architecture
  Reading<std::string> name;     ///< general.name
  std::string quantization;      ///< llama.cpp's name of the file type, "Q4_K - Medium"
  std::uint64_t n_params = 0;
  std::uint64_t size_bytes = 0;  ///< all tensors
  int n_layer = 0;               ///< blocks
  int n_ctx_train = 0;
  int n_embd = 0;
  Reading<int> n_head;
  Reading<int> n_head_kv;
  Reading<int> n_ff;
  int n_vocab = 0;
  int n_expert = 0;  ///< 0 = dense
  int n_expert_used = 0;
  bool recurrent = false;  ///< Mamba, RWKV: the cache cannot be rewound in part
  bool hybrid = false;
  ModelKind kind = ModelKind::decoder;
  Reading<std::string> pooling = Absence{"not in the file"};  ///< none, mean, cls, last, rank
  std::vector<LayerSize> layers;                              ///< by block, ascending
  std::uint64_t non_layer_bytes = 0;  ///< embeddings, output, norms outside blocks
  std::string fingerprint;            ///< hash of header and sizes; equal files give equal text

  /// What llama.cpp counts in n_gpu_layers: the blocks and one for the output.
  [[nodiscard]] int offloadable_layers() const { return n_layer + 1; }
};

void fields(auto& f, Is<ModelInfo> auto& model) {
  f("path", model.path);
  f("files", model.files);
  f("fingerprint", model.fingerprint);
  f("architecture", model.architecture);
  f("quantization", model.quantization);
  f("n_params", model.n_params, kPlausibleParameters);
  f("size_bytes", model.size_bytes, kPlausibleBytes);
  f("n_layer", model.n_layer, kPlausibleBlocks);
  f.derived("offloadable_layers", model.offloadable_layers());
  f("n_ctx_train", model.n_ctx_train, kStatedTokens);
  f("n_embd", model.n_embd, kPlausibleWidth);
  f("n_vocab", model.n_vocab, kPlausibleVocabulary);
  f("n_expert", model.n_expert, kPlausibleExperts);
  f("n_expert_used", model.n_expert_used, kPlausibleExperts);
  f("recurrent", model.recurrent);
  f("hybrid", model.hybrid);
  f("kind", model.kind);
  f("non_layer_bytes", model.non_layer_bytes, kPlausibleBytes);
  f("name", model.name);
  f("n_head", model.n_head, kPlausibleWidth);
  f("n_head_kv", model.n_head_kv, kPlausibleWidth);
  f("n_ff", model.n_ff, kPlausibleWidth);
  f("pooling", model.pooling);
  f("layers", model.layers);
}

}  // namespace sweetspot
