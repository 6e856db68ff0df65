// Which tensors a synthetic model has, of which shape and type. Pure: no ggml, no files.
//
// Names and shapes are those that llama.cpp's loader asks for. Types follow what llama-quantize
// makes of a type's "_M" mixture, so that a synthetic model is as large and as fast as a real one
// of its kind.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages.hpp"

namespace sweetspot::worker {

/// Whether models of an architecture have something.
enum class Has { never, sometimes, always };

/// Whose names and shapes of tensors a model has.
enum class Family { decoder, bert, t5 };

/// BERT's two kinds of sentences, and T5's distances between tokens.
inline constexpr std::uint32_t kTokenTypes = 2;
inline constexpr std::uint32_t kBuckets = 32;

/// What llama.cpp's loader expects of an architecture beyond what all of them have.
struct Architecture {
  std::string_view name;
  Has qkv_bias = Has::never;
  Has experts = Has::never;
  bool qk_norm = false;
  bool post_norms = false;           ///< after attention and after the feed-forward as well
  bool tied_output = false;          ///< always
  std::uint32_t sliding_window = 0;  ///< tokens by default, 0 = no window
  std::uint32_t convolution = 0;     ///< taps in the blocks without attention, 0 = no such blocks
  std::string_view output_norm = "output_norm.weight";
  float rope_freq_base = 1000000.0F;
  Family family = Family::decoder;
  bool position_table = false;  ///< of BERT itself: positions are looked up, and all has biases
  bool has_decoder = true;      ///< of T5's kin
};

/// A request with every 0 that means "as ..." replaced, known to be consistent.
struct Geometry {
  protocol::SynthRequest request;
  Architecture architecture;
  std::string type;  ///< spelled as ggml spells it

  [[nodiscard]] std::uint64_t q_size() const {
    return std::uint64_t{request.heads} * request.head_dim;
  }
  [[nodiscard]] std::uint64_t kv_size() const {
    return std::uint64_t{request.kv_heads} * request.head_dim;
  }
  [[nodiscard]] bool has_experts() const { return request.experts > 0; }
  [[nodiscard]] bool has_qkv_bias() const {
    return request.attention_bias || architecture.qkv_bias == Has::always;
  }
  [[nodiscard]] bool has_tied_output() const {
    return request.tied_output || architecture.tied_output;
  }
  [[nodiscard]] bool has_attention(std::uint32_t block) const;
  /// Blocks with attention among the first `blocks`.
  [[nodiscard]] int attention_blocks_in(std::uint32_t blocks) const;
};

/// The geometry, or a sentence that says what is wrong with it.
tl::expected<Geometry, std::string> check_geometry(const protocol::SynthRequest& request);

enum class TensorRole {
  embedding,
  output,
  attn_q,
  attn_k,
  attn_v,
  attn_output,
  ffn_gate,
  ffn_up,
  ffn_down,
  router,
  convolution,
  projection,  ///< before and after a convolution
  norm,
  bias,
  bias_matrix,  ///< looked up and added: positions, kinds of sentences, distances
};

struct TensorPlan {
  std::string name;
  std::vector<std::int64_t> shape;  ///< row length first, as in ggml
  TensorRole role = TensorRole::norm;
  int block = -1;    ///< -1 outside the blocks
  std::string type;  ///< ggml type name

  [[nodiscard]] std::uint64_t elements() const;
};

std::vector<TensorPlan> plan_tensors(const Geometry& geometry);

/// Types that can be asked for, as ggml spells them.
std::span<const std::string_view> synth_types();

/// general.file_type of a model of that type (llama.cpp's enum llama_ftype).
std::uint32_t file_type_of(std::string_view type);

/// "q5_0" for a q4_K row that is no multiple of 256 long, as llama-quantize falls back.
std::string fitting_type(std::string_view type, std::int64_t row_length);

}  // namespace sweetspot::worker
