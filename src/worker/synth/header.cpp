#include "worker/synth/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "gguf/model_info.hpp"
#include "worker/gguf/edit.hpp"
#include "worker/gguf/types.hpp"
#include "worker/synth/plan.hpp"
#include "worker/synth/tokenizer.hpp"

namespace sweetspot::worker {
namespace {

void add_tensor(SynthHeader& header, ggml_context* shapes, std::string_view name, ggml_type type,
                const std::vector<std::int64_t>& shape, Filling filling) {
  ggml_tensor* tensor = ggml_new_tensor(shapes, type, static_cast<int>(shape.size()), shape.data());
  ggml_set_name(tensor, std::string(name).c_str());
  gguf_add_tensor(header.gguf.get(), tensor);
  header.fillings.push_back(filling);
  header.n_params += static_cast<std::uint64_t>(ggml_nelements(tensor));
}

void finish(SynthHeader& header) {
  const gguf_context* gguf = header.gguf.get();
  header.alignment = gguf_get_alignment(gguf);
  for (std::int64_t i = 0; i < gguf_get_n_tensors(gguf); ++i) {
    const std::size_t bytes = gguf_get_tensor_size(gguf, i);
    header.data_bytes += (bytes + header.alignment - 1) / header.alignment * header.alignment;
  }
}

// ---- from a geometry ----

std::string default_name(const Geometry& geometry, std::uint64_t n_params) {
  const auto params = static_cast<double>(n_params);
  const bool billions = params >= 1e9;
  return fmt::format("synthetic {} {:.1f}{} {}", geometry.request.architecture,
                     params / (billions ? 1e9 : 1e6), billions ? 'B' : 'M', geometry.type);
}

void set_general(gguf_context* gguf, const Geometry& geometry, std::uint64_t n_params) {
  const protocol::SynthRequest& r = geometry.request;
  const std::string name = r.name.empty() ? default_name(geometry, n_params) : r.name;
  gguf_set_val_str(gguf, "general.architecture", r.architecture.c_str());
  gguf_set_val_str(gguf, "general.type", "model");
  gguf_set_val_str(gguf, "general.name", name.c_str());
  gguf_set_val_u32(gguf, "general.file_type", file_type_of(geometry.type));
  gguf_set_val_u32(gguf, "general.quantization_version", GGML_QNT_VERSION);
}

/// One number, or one per block where some blocks have no attention.
void set_kv_heads(gguf_context* gguf, const Geometry& geometry, const std::string& key) {
  const protocol::SynthRequest& r = geometry.request;
  if (geometry.architecture.convolution == 0) {
    gguf_set_val_u32(gguf, key.c_str(), r.kv_heads);
    return;
  }
  std::vector<std::int32_t> heads(r.blocks);
  for (std::uint32_t i = 0; i < r.blocks; ++i) {
    heads[i] = geometry.has_attention(i) ? static_cast<std::int32_t>(r.kv_heads) : 0;
  }
  gguf_set_arr_data(gguf, key.c_str(), GGUF_TYPE_INT32, heads.data(), heads.size());
}

/// llama.cpp's enum llama_pooling_type.
std::uint32_t pooling_number(const std::string& pooling) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "mean", "cls", "last", "rank"};
  const auto* const found = std::find(kNames.begin(), kNames.end(), pooling);
  return static_cast<std::uint32_t>(found == kNames.end() ? 1 : found - kNames.begin());
}

/// What models that read with an encoder say beside the rest.
void set_reader_keys(gguf_context* gguf, const Geometry& geometry) {
  const Architecture& architecture = geometry.architecture;
  if (architecture.family == Family::decoder) return;
  const std::string prefix = geometry.request.architecture + ".";
  const auto key = [&](const char* rest) { return prefix + rest; };
  if (architecture.family == Family::t5) {
    gguf_set_val_u32(gguf, key("attention.relative_buckets_count").c_str(), kBuckets);
    if (architecture.has_decoder) {
      gguf_set_val_u32(gguf, key("decoder_start_token_id").c_str(), 0);
      return;
    }
  } else {
    gguf_set_val_f32(gguf, key("attention.layer_norm_epsilon").c_str(), 1e-12F);
    gguf_set_val_bool(gguf, key("attention.causal").c_str(), false);
    gguf_set_val_u32(gguf, "tokenizer.ggml.token_type_count", kTokenTypes);
  }
  gguf_set_val_u32(gguf, key("pooling_type").c_str(), pooling_number(geometry.request.pooling));
}

void set_hyperparameters(gguf_context* gguf, const Geometry& geometry) {
  const protocol::SynthRequest& r = geometry.request;
  const auto key = [&](const char* rest) { return r.architecture + "." + rest; };
  const auto number = [&](const char* rest, std::uint32_t value) {
    gguf_set_val_u32(gguf, key(rest).c_str(), value);
  };
  const bool mixtral = geometry.has_experts() && r.architecture == "llama";
  number("block_count", r.blocks);
  number("context_length", r.ctx_train);
  number("embedding_length", r.embd);
  // Mixtral has one feed-forward length, which is that of its experts.
  number("feed_forward_length", mixtral ? r.expert_ff : r.ff);
  number("attention.head_count", r.heads);
  set_kv_heads(gguf, geometry, key("attention.head_count_kv"));
  number("attention.key_length", r.head_dim);
  number("attention.value_length", r.head_dim);
  number("rope.dimension_count", r.head_dim);
  number("vocab_size", r.vocab);
  gguf_set_val_f32(gguf, key("attention.layer_norm_rms_epsilon").c_str(), 1e-5F);
  gguf_set_val_f32(gguf, key("rope.freq_base").c_str(), geometry.architecture.rope_freq_base);
  set_reader_keys(gguf, geometry);
  if (r.sliding_window > 0) number("attention.sliding_window", r.sliding_window);
  if (geometry.architecture.convolution > 0) {
    number("shortconv.l_cache", geometry.architecture.convolution);
  }
  if (!geometry.has_experts()) return;
  number("expert_count", r.experts);
  number("expert_used_count", r.experts_used);
  if (!mixtral) number("expert_feed_forward_length", r.expert_ff);
}

/// llama.cpp then takes the size of the vocabulary from `<architecture>.vocab_size`.
void set_no_tokenizer(gguf_context* gguf) {
  gguf_set_val_str(gguf, "tokenizer.ggml.model", "none");
}

void set_tokenizer(gguf_context* gguf, std::uint32_t vocab) {
  const SyntheticTokenizer tokenizer = make_tokenizer(vocab);
  std::vector<const char*> tokens;
  tokens.reserve(tokenizer.tokens.size());
  for (const std::string& token : tokenizer.tokens) tokens.push_back(token.c_str());
  const std::size_t n = tokens.size();
  gguf_set_val_str(gguf, "tokenizer.ggml.model", "llama");
  gguf_set_val_str(gguf, "tokenizer.ggml.pre", "default");
  gguf_set_arr_str(gguf, "tokenizer.ggml.tokens", tokens.data(), n);
  gguf_set_arr_data(gguf, "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, tokenizer.scores.data(), n);
  gguf_set_arr_data(gguf, "tokenizer.ggml.token_type", GGUF_TYPE_INT32, tokenizer.types.data(), n);
  gguf_set_val_u32(gguf, "tokenizer.ggml.unknown_token_id", tokenizer.unknown_id);
  gguf_set_val_u32(gguf, "tokenizer.ggml.bos_token_id", tokenizer.bos_id);
  gguf_set_val_u32(gguf, "tokenizer.ggml.eos_token_id", tokenizer.eos_id);
  gguf_set_val_bool(gguf, "tokenizer.ggml.add_bos_token", true);
  gguf_set_val_bool(gguf, "tokenizer.ggml.add_eos_token", false);
  gguf_set_val_str(gguf, "tokenizer.chat_template", tokenizer.chat_template.c_str());
}

Filling filling_of(TensorRole role) {
  if (role == TensorRole::norm) return Filling::ones;
  const bool added = role == TensorRole::bias || role == TensorRole::bias_matrix;
  return added ? Filling::small : Filling::weights;
}

// ---- like another file ----

/// Why `source` has no first `blocks` blocks, or nothing.
std::string slice_problem(const GgufFile& source, const std::string& architecture,
                          std::uint32_t blocks) {
  const auto all = source.header().integer(architecture + ".block_count");
  if (!all) return fmt::format("its header has no {}.block_count to cut", architecture);
  if (blocks <= *all) return {};
  return fmt::format("{} of its blocks were asked for, but it has only {}", blocks, *all);
}

}  // namespace

Answer<SynthHeader> header_from(const protocol::SynthRequest& request) {
  const auto geometry = check_geometry(request);
  if (!geometry) return fault(FaultCode::bad_request, Phase::synth, geometry.error());

  const auto plan = plan_tensors(*geometry);
  const GgmlHandle shapes = shapes_only(plan.size());
  SynthHeader header;
  header.gguf.reset(gguf_init_empty());
  header.deviation = deviation_for(request.embd);
  std::uint64_t n_params = 0;
  for (const TensorPlan& tensor : plan) n_params += tensor.elements();
  set_general(header.gguf.get(), *geometry, n_params);
  set_hyperparameters(header.gguf.get(), *geometry);
  if (request.no_vocab) {
    set_no_tokenizer(header.gguf.get());
  } else {
    set_tokenizer(header.gguf.get(), request.vocab);
  }
  for (const TensorPlan& tensor : plan) {
    const auto type = type_by_name(tensor.type);
    if (!type) {
      return fault(FaultCode::unsupported, Phase::synth,
                   fmt::format("this llama.cpp does not know the type {}", tensor.type));
    }
    add_tensor(header, shapes.get(), tensor.name, *type, tensor.shape, filling_of(tensor.role));
  }
  finish(header);
  return header;
}

Answer<SynthHeader> header_like(const protocol::SynthRequest& request, HeaderReader read_header) {
  const std::string& path = request.like_path.value();
  const auto source = GgufFile::open(path, Phase::synth, read_header);
  if (!source) return tl::unexpected(source.error());
  const auto refuse = [&](const std::string& why) {
    return fault(FaultCode::bad_request, Phase::synth,
                 fmt::format("{} cannot be copied: {}", path, why));
  };
  if (source->header().integer("split.count").value_or(0) > 1) {
    return refuse("it is one file of a split model and lists only its own tensors");
  }
  const auto architecture = source->header().text("general.architecture").value_or("");
  const std::uint32_t blocks = request.like_blocks;
  if (blocks > 0) {
    const std::string problem = slice_problem(*source, architecture, blocks);
    if (!problem.empty()) return refuse(problem);
  }
  const std::int64_t count = source->n_tensors();
  const GgmlHandle shapes = shapes_only(static_cast<std::size_t>(count));
  SynthHeader header;
  header.gguf.reset(gguf_init_empty());
  gguf_set_kv(header.gguf.get(), source->get());
  if (blocks > 0) cut_blocks(header.gguf.get(), *source, 0, blocks);
  if (request.no_vocab) cut_vocabulary(header.gguf.get(), *source);
  header.deviation = deviation_for(static_cast<double>(
      source->header().integer(architecture + ".embedding_length").value_or(2048)));
  for (std::int64_t i = 0; i < count; ++i) {
    const ggml_type type = gguf_get_tensor_type(source->get(), i);
    const std::string_view name = source->tensor_name(i);
    const auto block = gguf::block_of(name);
    if (blocks > 0 && block && static_cast<std::uint32_t>(*block) >= blocks) continue;
    if (!can_fill(type)) {
      return refuse(fmt::format("the type {} of tensor {} cannot be filled at random",
                                ggml_type_name(type), name));
    }
    const auto shape = shape_of(source->get(), i);
    add_tensor(header, shapes.get(), name, type, shape, filling_of(name, type, shape.size()));
  }
  finish(header);
  return header;
}

}  // namespace sweetspot::worker
