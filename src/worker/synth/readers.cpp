#include "worker/synth/readers.hpp"

#include <fmt/format.h>

#include <utility>

namespace sweetspot::worker {
namespace {

class ReaderPlanner {
 public:
  explicit ReaderPlanner(const Geometry& geometry)
      : geometry_(geometry), request_(geometry.request) {}

  std::vector<TensorPlan> run() {
    matrix("token_embd.weight", TensorRole::embedding, request_.embd, request_.vocab);
    if (geometry_.architecture.family == Family::t5) {
      t5();
    } else {
      bert();
    }
    return std::move(plan_);
  }

 private:
  // ---- BERT: a norm after each step, biases unless positions are turned

  void bert() {
    matrix("token_types.weight", TensorRole::bias_matrix, request_.embd, kTokenTypes);
    if (geometry_.architecture.position_table) {
      matrix("position_embd.weight", TensorRole::bias_matrix, request_.embd, request_.ctx_train);
    }
    norm_with_bias("token_embd_norm");
    for (std::uint32_t i = 0; i < request_.blocks; ++i) {
      block_ = static_cast<int>(i);
      bert_block(fmt::format("blk.{}.", i));
    }
    block_ = -1;
    if (request_.pooling != "rank") return;
    projection("cls", request_.embd, request_.embd, true);
    projection("cls.output", request_.embd, 1, true);
  }

  void bert_block(const std::string& block) {
    const std::uint64_t embd = request_.embd;
    const bool biases = geometry_.architecture.position_table;
    for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
      projection(block + part, embd, embd, biases);
    }
    norm_with_bias(block + "attn_output_norm");
    projection(block + "ffn_up", embd, request_.ff, biases);
    if (!biases) projection(block + "ffn_gate", embd, request_.ff, false);
    projection(block + "ffn_down", request_.ff, embd, biases);
    norm_with_bias(block + "layer_output_norm");
  }

  // ---- T5: blocks of an encoder and as many of a decoder, which also looks at the encoder's

  void t5() {
    vector("enc.output_norm.weight", TensorRole::norm, request_.embd);
    if (geometry_.architecture.has_decoder) {
      vector("dec.output_norm.weight", TensorRole::norm, request_.embd);
      matrix("output.weight", TensorRole::output, request_.embd, request_.vocab);
    }
    for (std::uint32_t i = 0; i < request_.blocks; ++i) {
      block_ = static_cast<int>(i);
      t5_block(fmt::format("enc.blk.{}.", i), i == 0, {"attn"});
      if (!geometry_.architecture.has_decoder) continue;
      t5_block(fmt::format("dec.blk.{}.", i), i == 0, {"attn", "cross_attn"});
    }
    block_ = -1;
  }

  void t5_block(const std::string& block, bool first, const std::vector<const char*>& attentions) {
    for (const char* attention : attentions) {
      const std::string name = block + attention;
      vector(name + "_norm.weight", TensorRole::norm, request_.embd);
      for (const char* part : {"_q", "_k", "_v"}) {
        projection(name + part, request_.embd, geometry_.q_size(), false);
      }
      projection(name + "_o", geometry_.q_size(), request_.embd, false);
    }
    if (first)
      matrix(block + "attn_rel_b.weight", TensorRole::bias_matrix, request_.heads, kBuckets);
    vector(block + "ffn_norm.weight", TensorRole::norm, request_.embd);
    projection(block + "ffn_gate", request_.embd, request_.ff, false);
    projection(block + "ffn_up", request_.embd, request_.ff, false);
    projection(block + "ffn_down", request_.ff, request_.embd, false);
  }

  // ---- one tensor

  void projection(const std::string& name, std::uint64_t from, std::uint64_t to, bool bias) {
    matrix(name + ".weight", TensorRole::projection, from, to);
    if (bias) vector(name + ".bias", TensorRole::bias, to);
  }

  void norm_with_bias(const std::string& name) {
    vector(name + ".weight", TensorRole::norm, request_.embd);
    vector(name + ".bias", TensorRole::bias, request_.embd);
  }

  void matrix(std::string name, TensorRole role, std::uint64_t from, std::uint64_t to) {
    TensorPlan tensor{std::move(name), {}, role, block_, {}};
    tensor.shape = {static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)};
    // llama-quantize leaves what is looked up or added as it is.
    tensor.type = role == TensorRole::bias_matrix
                      ? "f32"
                      : fitting_type(geometry_.type, tensor.shape.front());
    plan_.push_back(std::move(tensor));
  }

  void vector(std::string name, TensorRole role, std::uint64_t size) {
    plan_.push_back({std::move(name), {static_cast<std::int64_t>(size)}, role, block_, "f32"});
  }

  const Geometry& geometry_;
  const protocol::SynthRequest& request_;
  std::vector<TensorPlan> plan_;
  int block_ = -1;
};

}  // namespace

std::vector<TensorPlan> plan_reader(const Geometry& geometry) {
  return ReaderPlanner(geometry).run();
}

std::string reader_problem(const protocol::SynthRequest& r, const Architecture& architecture) {
  if (architecture.family == Family::decoder) {
    if (r.pooling.empty()) return {};
    return fmt::format("{} generates: pooling is for models that only read", r.architecture);
  }
  if (r.heads != r.kv_heads) {
    return fmt::format("{} has as many kv_heads ({}) as heads ({})", r.architecture, r.kv_heads,
                       r.heads);
  }
  const bool whole = r.head_dim == 0 || std::uint64_t{r.heads} * r.head_dim == r.embd;
  if (architecture.family == Family::bert && !whole) {
    return fmt::format("heads ({}) times head_dim ({}) must be embd ({}) in {}", r.heads,
                       r.head_dim, r.embd, r.architecture);
  }
  const bool may_rank = architecture.position_table;
  if (r.pooling.empty() || r.pooling == "mean" || r.pooling == "cls" || r.pooling == "last" ||
      r.pooling == "none" || (r.pooling == "rank" && may_rank)) {
    return {};
  }
  return fmt::format("pooling is {}, but must be none, mean, cls{} in {}", r.pooling,
                     may_rank ? ", last or rank" : " or last", r.architecture);
}

}  // namespace sweetspot::worker
