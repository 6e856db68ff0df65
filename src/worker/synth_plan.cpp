#include "worker/synth_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <utility>

namespace sweetspot::worker {
namespace {

struct KnownType {
  std::string_view name;
  std::uint32_t file_type;  ///< the mixture's number where there is one
  int block;                ///< values that are stored together
  std::string_view fallback;
};

constexpr std::array<KnownType, 14> kTypes = {{
    {"f32", 0, 1, "f32"},
    {"f16", 1, 1, "f16"},
    {"bf16", 32, 1, "bf16"},
    {"q4_0", 2, 32, "f16"},
    {"q4_1", 3, 32, "f16"},
    {"q5_0", 8, 32, "f16"},
    {"q5_1", 9, 32, "f16"},
    {"q8_0", 7, 32, "f16"},
    {"q2_K", 10, 256, "iq4_nl"},
    {"q3_K", 12, 256, "iq4_nl"},
    {"q4_K", 15, 256, "q5_0"},
    {"q5_K", 17, 256, "q5_1"},
    {"q6_K", 18, 256, "q8_0"},
    {"iq4_nl", 25, 32, "f16"},
}};

constexpr std::array<std::string_view, 4> kArchitectures = {"llama", "qwen2", "qwen3", "qwen3moe"};

/// <unk>, <s>, </s>, 256 bytes and room for a few words.
constexpr std::uint32_t kMinVocab = 300;
constexpr std::uint32_t kMaxVocab = 1U << 24U;
constexpr std::uint32_t kMaxBlocks = 512;  ///< llama.cpp's own limit
constexpr std::uint32_t kMaxWidth = 1U << 20U;

const KnownType* find_type(std::string_view name) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  const auto same = [&](const KnownType& known) {
    return std::equal(known.name.begin(), known.name.end(), name.begin(), name.end(),
                      [&](char a, char b) { return lower(a) == lower(b); });
  };
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(), same);
  return found == kTypes.end() ? nullptr : found;
}

/// Between llama.cpp's lower and higher quality: the first and last eighth of the blocks and every
/// third one between them get more bits.
bool gets_more_bits(int block, int blocks) {
  const int eighth = blocks / 8;
  return block < eighth || block >= 7 * blocks / 8 || (block - eighth) % 3 == 2;
}

bool is_quantized(std::string_view type) { return type.find('q') != std::string_view::npos; }

std::string_view attn_v_type(std::string_view base, int block, const protocol::SynthRequest& r) {
  if (r.experts == 8) return "q8_0";
  const auto n_blocks = static_cast<int>(r.blocks);
  if (base == "q2_K") return r.heads / r.kv_heads >= 4 ? "q4_K" : "q3_K";
  if (base == "q3_K") return block < 2 ? "q5_K" : "q4_K";
  if (base == "q4_K" || base == "q5_K") return gets_more_bits(block, n_blocks) ? "q6_K" : base;
  return base;
}

std::string_view ffn_down_type(std::string_view base, int block, int n_blocks) {
  if (base == "q2_K") return "q3_K";
  if (base == "q3_K") return block < n_blocks / 16 ? "q5_K" : "q4_K";
  if (base == "q4_K" || base == "q5_K") return gets_more_bits(block, n_blocks) ? "q6_K" : base;
  return base;
}

std::string_view attn_output_type(std::string_view base, const protocol::SynthRequest& r) {
  const bool small = base == "q2_K" || base == "q3_K" || base == "q4_K";
  if (r.experts == 8 && small) return "q5_K";
  if (base == "q2_K") return "q3_K";
  if (base == "q3_K") return "q4_K";
  return base;
}

std::string_view mixed_type(TensorRole role, int block, const Geometry& g) {
  const std::string_view base = g.type;
  const protocol::SynthRequest& r = g.request;
  const bool serves_as_output =
      role == TensorRole::output || (role == TensorRole::embedding && r.tied_output);
  if (serves_as_output) return is_quantized(base) && base != "q8_0" ? "q6_K" : base;
  if (!is_quantized(base)) return base;
  if (role == TensorRole::attn_k && r.experts == 8) return "q8_0";
  if (role == TensorRole::attn_v) return attn_v_type(base, block, r);
  if (role == TensorRole::attn_output) return attn_output_type(base, r);
  if (role == TensorRole::ffn_down) return ffn_down_type(base, block, static_cast<int>(r.blocks));
  return base;
}

/// Collects a model's tensors, each with the type its place calls for.
class Planner {
 public:
  explicit Planner(const Geometry& geometry) : geometry_(geometry) {}

  std::vector<TensorPlan> run() {
    const protocol::SynthRequest& r = geometry_.request;
    matrix("token_embd.weight", TensorRole::embedding, {r.embd, r.vocab});
    vector("output_norm.weight", TensorRole::norm, r.embd);
    if (!r.tied_output) matrix("output.weight", TensorRole::output, {r.embd, r.vocab});
    for (std::uint32_t i = 0; i < r.blocks; ++i) {
      block_ = static_cast<int>(i);
      attention();
      if (geometry_.has_experts()) {
        experts();
      } else {
        feed_forward();
      }
    }
    return std::move(plan_);
  }

 private:
  void attention() {
    const protocol::SynthRequest& r = geometry_.request;
    const std::uint64_t q = geometry_.q_size();
    const std::uint64_t kv = geometry_.kv_size();
    vector(name("attn_norm.weight"), TensorRole::norm, r.embd);
    matrix(name("attn_q.weight"), TensorRole::attn_q, {r.embd, q});
    matrix(name("attn_k.weight"), TensorRole::attn_k, {r.embd, kv});
    matrix(name("attn_v.weight"), TensorRole::attn_v, {r.embd, kv});
    matrix(name("attn_output.weight"), TensorRole::attn_output, {q, r.embd});
    if (geometry_.has_qkv_bias()) {
      vector(name("attn_q.bias"), TensorRole::bias, q);
      vector(name("attn_k.bias"), TensorRole::bias, kv);
      vector(name("attn_v.bias"), TensorRole::bias, kv);
    }
    if (geometry_.has_qk_norm()) {
      vector(name("attn_q_norm.weight"), TensorRole::norm, r.head_dim);
      vector(name("attn_k_norm.weight"), TensorRole::norm, r.head_dim);
    }
    vector(name("ffn_norm.weight"), TensorRole::norm, r.embd);
  }

  void feed_forward() {
    const protocol::SynthRequest& r = geometry_.request;
    matrix(name("ffn_gate.weight"), TensorRole::ffn_gate, {r.embd, r.ff});
    matrix(name("ffn_up.weight"), TensorRole::ffn_up, {r.embd, r.ff});
    matrix(name("ffn_down.weight"), TensorRole::ffn_down, {r.ff, r.embd});
  }

  void experts() {
    const protocol::SynthRequest& r = geometry_.request;
    matrix(name("ffn_gate_inp.weight"), TensorRole::router, {r.embd, r.experts});
    matrix(name("ffn_gate_exps.weight"), TensorRole::ffn_gate, {r.embd, r.expert_ff, r.experts});
    matrix(name("ffn_up_exps.weight"), TensorRole::ffn_up, {r.embd, r.expert_ff, r.experts});
    matrix(name("ffn_down_exps.weight"), TensorRole::ffn_down, {r.expert_ff, r.embd, r.experts});
  }

  [[nodiscard]] std::string name(std::string_view rest) const {
    return fmt::format("blk.{}.{}", block_, rest);
  }

  void matrix(std::string name, TensorRole role, std::initializer_list<std::uint64_t> shape) {
    TensorPlan tensor{std::move(name), {}, role, block_, {}};
    for (const std::uint64_t n : shape) tensor.shape.push_back(static_cast<std::int64_t>(n));
    // llama.cpp never quantizes the router.
    tensor.type = role == TensorRole::router
                      ? "f32"
                      : fitting_type(mixed_type(role, block_, geometry_), tensor.shape.front());
    plan_.push_back(std::move(tensor));
  }

  void vector(std::string name, TensorRole role, std::uint64_t size) {
    plan_.push_back({std::move(name), {static_cast<std::int64_t>(size)}, role, block_, "f32"});
  }

  const Geometry& geometry_;
  std::vector<TensorPlan> plan_;
  int block_ = -1;
};

using Request = protocol::SynthRequest;

std::string sizes_problem(const Request& r) {
  const auto outside = [](std::uint32_t value, std::uint32_t low, std::uint32_t high) {
    return value < low || value > high;
  };
  if (outside(r.blocks, 1, kMaxBlocks)) {
    return fmt::format("blocks is {}, but must be 1 to {}", r.blocks, kMaxBlocks);
  }
  if (outside(r.embd, 1, kMaxWidth)) {
    return fmt::format("embd is {}, but must be 1 to {}", r.embd, kMaxWidth);
  }
  if (outside(r.ff, 1, kMaxWidth)) {
    return fmt::format("ff is {}, but must be 1 to {}", r.ff, kMaxWidth);
  }
  if (outside(r.vocab, kMinVocab, kMaxVocab)) {
    return fmt::format("vocab is {}, but must be {} to {} (256 bytes, 3 special tokens and words)",
                       r.vocab, kMinVocab, kMaxVocab);
  }
  if (r.ctx_train == 0) return "ctx_train is 0, but must be at least 1";
  return {};
}

std::string heads_problem(const Request& r) {
  if (r.heads == 0 || r.kv_heads == 0) return "heads and kv_heads must be at least 1";
  if (r.heads % r.kv_heads != 0) {
    return fmt::format("kv_heads ({}) must divide heads ({})", r.kv_heads, r.heads);
  }
  if (r.head_dim == 0 && r.embd % r.heads != 0) {
    return fmt::format("heads ({}) must divide embd ({}) where head_dim is not given", r.heads,
                       r.embd);
  }
  const std::uint32_t head_dim = r.head_dim != 0 ? r.head_dim : r.embd / r.heads;
  if (head_dim == 0 || head_dim % 2 != 0 || head_dim > kMaxWidth) {
    return fmt::format("head_dim is {}, but must be an even number: positions turn pairs of values",
                       head_dim);
  }
  return {};
}

std::string experts_problem(const Request& r) {
  const bool can_have = r.architecture == "llama" || r.architecture == "qwen3moe";
  if (r.experts == 0) {
    if (r.architecture == "qwen3moe") return "qwen3moe needs experts";
    if (r.experts_used != 0 || r.expert_ff != 0) return "experts_used and expert_ff need experts";
    return {};
  }
  if (!can_have) {
    return fmt::format("{} has no experts; llama and qwen3moe have", r.architecture);
  }
  if (r.experts > 1024) return fmt::format("experts is {}, but must be at most 1024", r.experts);
  if (r.experts_used == 0 || r.experts_used > r.experts) {
    return fmt::format("experts_used is {}, but must be 1 to experts ({})", r.experts_used,
                       r.experts);
  }
  if (r.expert_ff > kMaxWidth) {
    return fmt::format("expert_ff is {}, but must be at most {}", r.expert_ff, kMaxWidth);
  }
  return {};
}

std::string names_problem(const Request& r) {
  if (std::find(kArchitectures.begin(), kArchitectures.end(), r.architecture) ==
      kArchitectures.end()) {
    return fmt::format("{} is not an architecture that can be made; there are {}", r.architecture,
                       fmt::join(kArchitectures, ", "));
  }
  if (find_type(r.type) == nullptr) {
    return fmt::format("{} is not a type that can be made; there are {}", r.type,
                       fmt::join(synth_types(), ", "));
  }
  if (r.attention_bias && r.architecture != "llama" && r.architecture != "qwen2") {
    return fmt::format("{} has no biases on Q, K and V; llama and qwen2 have", r.architecture);
  }
  return {};
}

}  // namespace

tl::expected<Geometry, std::string> check_geometry(const Request& request) {
  for (const auto& check : {names_problem, sizes_problem, heads_problem, experts_problem}) {
    if (std::string problem = check(request); !problem.empty()) return tl::unexpected(problem);
  }
  Geometry geometry{request, std::string(find_type(request.type)->name)};
  Request& r = geometry.request;
  if (r.head_dim == 0) r.head_dim = r.embd / r.heads;
  if (r.expert_ff == 0) r.expert_ff = r.ff;
  return geometry;
}

std::uint64_t TensorPlan::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1},
                         [](std::uint64_t product, std::int64_t n) {
                           return product * static_cast<std::uint64_t>(n);
                         });
}

std::vector<TensorPlan> plan_tensors(const Geometry& geometry) { return Planner(geometry).run(); }

std::span<const std::string_view> synth_types() {
  static const auto kNames = [] {
    std::array<std::string_view, kTypes.size()> out;
    std::transform(kTypes.begin(), kTypes.end(), out.begin(),
                   [](const KnownType& type) { return type.name; });
    return out;
  }();
  return kNames;
}

std::uint32_t file_type_of(std::string_view type) {
  const KnownType* known = find_type(type);
  return known != nullptr ? known->file_type : 0;
}

std::string fitting_type(std::string_view type, std::int64_t row_length) {
  const KnownType* known = find_type(type);
  while (known != nullptr && row_length % known->block != 0) known = find_type(known->fallback);
  return std::string(known != nullptr ? known->name : type);
}

}  // namespace sweetspot::worker
