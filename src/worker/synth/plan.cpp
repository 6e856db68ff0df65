#include "worker/synth/plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <numeric>
#include <utility>

#include "worker/synth/readers.hpp"

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

constexpr std::array<Architecture, 10> kArchitectures = {{
    {.name = "llama",
     .qkv_bias = Has::sometimes,
     .experts = Has::sometimes,
     .rope_freq_base = 10000.0F},
    {.name = "qwen2", .qkv_bias = Has::always},
    {.name = "qwen3", .qk_norm = true},
    {.name = "qwen3moe", .experts = Has::always, .qk_norm = true},
    {.name = "gemma3",
     .qk_norm = true,
     .post_norms = true,
     .tied_output = true,
     .sliding_window = 1024},
    {.name = "lfm2",
     .qk_norm = true,
     .tied_output = true,
     .convolution = 3,
     .output_norm = "token_embd_norm.weight"},
    {.name = "bert", .family = Family::bert, .position_table = true},
    {.name = "nomic-bert", .rope_freq_base = 1000.0F, .family = Family::bert},
    {.name = "t5", .family = Family::t5},
    {.name = "t5encoder", .family = Family::t5, .has_decoder = false},
}};

/// <unk>, <s>, </s>, 256 bytes and room for a few words.
constexpr std::uint32_t kMinVocab = 300;
constexpr std::uint32_t kMaxVocab = 1U << 24U;
constexpr std::uint32_t kMaxBlocks = 512;  ///< llama.cpp's own limit
constexpr std::uint32_t kMaxWidth = 1U << 20U;
constexpr std::uint32_t kAttentionEvery = 3;  ///< where lfm2's blocks are not given

const Architecture* find_architecture(std::string_view name) {
  const auto* const found =
      std::find_if(kArchitectures.begin(), kArchitectures.end(),
                   [&](const Architecture& known) { return known.name == name; });
  return found == kArchitectures.end() ? nullptr : found;
}

/// "llama and qwen2", of those for which `has` is true.
template <typename Predicate>
std::string architectures_with(Predicate has) {
  std::vector<std::string_view> names;
  for (const Architecture& known : kArchitectures) {
    if (has(known)) names.push_back(known.name);
  }
  return fmt::format("{}", fmt::join(names, " and "));
}

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

std::string_view attn_v_type(std::string_view base, int block, const Geometry& g) {
  const protocol::SynthRequest& r = g.request;
  if (base == "q2_K") return r.heads / r.kv_heads >= 4 ? "q4_K" : "q3_K";
  // llama-quantize counts the tensors of this kind, not the blocks.
  const int index = g.attention_blocks_in(static_cast<std::uint32_t>(block));
  if (base == "q3_K") return index < 2 ? "q5_K" : "q4_K";
  if (base != "q4_K" && base != "q5_K") return base;
  return gets_more_bits(index, g.attention_blocks_in(r.blocks)) ? "q6_K" : base;
}

/// attn_v is small in these models, so that more bits cost next to nothing.
std::string_view attn_v_type_of_known_size(std::string_view type, const Geometry& g) {
  const protocol::SynthRequest& r = g.request;
  if (r.experts == 8) return "q8_0";
  const bool is_70b = r.architecture == "llama" && r.blocks == 80 && r.heads != r.kv_heads;
  return is_70b && (type == "q3_K" || type == "q4_K") ? "q5_K" : type;
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
      role == TensorRole::output || (role == TensorRole::embedding && g.has_tied_output());
  if (serves_as_output) return is_quantized(base) && base != "q8_0" ? "q6_K" : base;
  if (!is_quantized(base)) return base;
  if (role == TensorRole::attn_k && r.experts == 8) return "q8_0";
  if (role == TensorRole::attn_v) {
    return attn_v_type_of_known_size(attn_v_type(base, block, g), g);
  }
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
    vector(std::string(geometry_.architecture.output_norm), TensorRole::norm, r.embd);
    if (!geometry_.has_tied_output()) {
      matrix("output.weight", TensorRole::output, {r.embd, r.vocab});
    }
    for (std::uint32_t i = 0; i < r.blocks; ++i) {
      block_ = static_cast<int>(i);
      norms();
      if (geometry_.has_attention(i)) {
        attention();
      } else {
        convolution();
      }
      if (geometry_.has_experts()) {
        experts();
      } else {
        feed_forward();
      }
    }
    return std::move(plan_);
  }

 private:
  void norms() {
    const std::uint32_t embd = geometry_.request.embd;
    // The norm before a convolution is called attn_norm, too.
    vector(name("attn_norm.weight"), TensorRole::norm, embd);
    vector(name("ffn_norm.weight"), TensorRole::norm, embd);
    if (!geometry_.architecture.post_norms) return;
    vector(name("post_attention_norm.weight"), TensorRole::norm, embd);
    vector(name("post_ffw_norm.weight"), TensorRole::norm, embd);
  }

  void attention() {
    const protocol::SynthRequest& r = geometry_.request;
    const std::uint64_t q = geometry_.q_size();
    const std::uint64_t kv = geometry_.kv_size();
    matrix(name("attn_q.weight"), TensorRole::attn_q, {r.embd, q});
    matrix(name("attn_k.weight"), TensorRole::attn_k, {r.embd, kv});
    matrix(name("attn_v.weight"), TensorRole::attn_v, {r.embd, kv});
    matrix(name("attn_output.weight"), TensorRole::attn_output, {q, r.embd});
    if (geometry_.has_qkv_bias()) {
      vector(name("attn_q.bias"), TensorRole::bias, q);
      vector(name("attn_k.bias"), TensorRole::bias, kv);
      vector(name("attn_v.bias"), TensorRole::bias, kv);
    }
    if (geometry_.architecture.qk_norm) {
      vector(name("attn_q_norm.weight"), TensorRole::norm, r.head_dim);
      vector(name("attn_k_norm.weight"), TensorRole::norm, r.head_dim);
    }
  }

  void convolution() {
    const std::uint64_t embd = geometry_.request.embd;
    const std::uint32_t taps = geometry_.architecture.convolution;
    matrix(name("shortconv.conv.weight"), TensorRole::convolution, {taps, embd});
    matrix(name("shortconv.in_proj.weight"), TensorRole::projection, {embd, 3 * embd});
    matrix(name("shortconv.out_proj.weight"), TensorRole::projection, {embd, embd});
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
    // llama-quantize leaves these two as they are.
    const bool stays = role == TensorRole::router || role == TensorRole::convolution;
    tensor.type =
        stays ? "f32" : fitting_type(mixed_type(role, block_, geometry_), tensor.shape.front());
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
  if (r.no_vocab && outside(r.vocab, 1, kMaxVocab)) {
    return fmt::format("vocab is {}, but must be 1 to {}", r.vocab, kMaxVocab);
  }
  if (!r.no_vocab && outside(r.vocab, kMinVocab, kMaxVocab)) {
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
  const Has experts = find_architecture(r.architecture)->experts;
  if (r.experts == 0) {
    if (experts == Has::always) return fmt::format("{} needs experts", r.architecture);
    if (r.experts_used != 0 || r.expert_ff != 0) return "experts_used and expert_ff need experts";
    return {};
  }
  if (experts == Has::never) {
    return fmt::format(
        "{} has no experts; {} have", r.architecture,
        architectures_with([](const Architecture& a) { return a.experts != Has::never; }));
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

/// Whatever else sets architectures apart.
std::string architecture_problem(const Request& r) {
  const Architecture& architecture = *find_architecture(r.architecture);
  if (std::string problem = reader_problem(r, architecture); !problem.empty()) return problem;
  if (r.attention_bias && architecture.qkv_bias == Has::never) {
    return fmt::format(
        "{} has no biases on Q, K and V; {} have", r.architecture,
        architectures_with([](const Architecture& a) { return a.qkv_bias != Has::never; }));
  }
  if (r.sliding_window > 0 && architecture.sliding_window == 0) {
    return fmt::format("{} has no sliding window", r.architecture);
  }
  if (architecture.convolution == 0) {
    if (r.attention_blocks.empty()) return {};
    return fmt::format("{} has attention in every block", r.architecture);
  }
  // llama.cpp ends itself where a hybrid model has no cache at all.
  if (r.attention_blocks.empty() && r.blocks < kAttentionEvery) {
    return fmt::format("{} needs attention_blocks where it has fewer than {} blocks",
                       r.architecture, kAttentionEvery);
  }
  for (const std::uint32_t block : r.attention_blocks) {
    if (block >= r.blocks) {
      return fmt::format("attention_blocks names block {}, but the last one is {}", block,
                         r.blocks - 1);
    }
  }
  if (r.head_dim != 0 && std::uint64_t{r.heads} * r.head_dim != r.embd) {
    return fmt::format("heads ({}) times head_dim ({}) must be embd ({}) in {}", r.heads,
                       r.head_dim, r.embd, r.architecture);
  }
  return {};
}

std::string names_problem(const Request& r) {
  if (find_architecture(r.architecture) == nullptr) {
    std::vector<std::string_view> names(kArchitectures.size());
    std::transform(kArchitectures.begin(), kArchitectures.end(), names.begin(),
                   [](const Architecture& known) { return known.name; });
    return fmt::format("{} is not an architecture that can be made; there are {}", r.architecture,
                       fmt::join(names, ", "));
  }
  if (find_type(r.type) == nullptr) {
    return fmt::format("{} is not a type that can be made; there are {}", r.type,
                       fmt::join(synth_types(), ", "));
  }
  return {};
}

}  // namespace

tl::expected<Geometry, std::string> check_geometry(const Request& request) {
  // names_problem first: the others look up what it found to be known.
  for (const auto& check :
       {names_problem, sizes_problem, heads_problem, experts_problem, architecture_problem}) {
    if (std::string problem = check(request); !problem.empty()) return tl::unexpected(problem);
  }
  Geometry geometry{request, *find_architecture(request.architecture),
                    std::string(find_type(request.type)->name)};
  Request& r = geometry.request;
  if (r.head_dim == 0) r.head_dim = r.embd / r.heads;
  if (r.expert_ff == 0) r.expert_ff = r.ff;
  if (r.sliding_window == 0) r.sliding_window = geometry.architecture.sliding_window;
  if (geometry.architecture.convolution > 0 && r.attention_blocks.empty()) {
    for (std::uint32_t i = kAttentionEvery - 1; i < r.blocks; i += kAttentionEvery) {
      r.attention_blocks.push_back(i);
    }
  }
  return geometry;
}

bool Geometry::has_attention(std::uint32_t block) const {
  const auto& with = request.attention_blocks;
  return architecture.convolution == 0 || std::find(with.begin(), with.end(), block) != with.end();
}

int Geometry::attention_blocks_in(std::uint32_t blocks) const {
  int count = 0;
  for (std::uint32_t i = 0; i < blocks; ++i) count += has_attention(i) ? 1 : 0;
  return count;
}

std::uint64_t TensorPlan::elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::uint64_t{1},
                         [](std::uint64_t product, std::int64_t n) {
                           return product * static_cast<std::uint64_t>(n);
                         });
}

std::vector<TensorPlan> plan_tensors(const Geometry& geometry) {
  return geometry.architecture.family == Family::decoder ? Planner(geometry).run()
                                                         : plan_reader(geometry);
}

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
