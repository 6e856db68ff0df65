#include "worker/full_depth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "worker/answer.hpp"

namespace sweetspot::worker {
namespace {

/// About so many tokens are decoded for real and then copied: what is decoded takes time, at the
/// end of a long context most of all, and a copy takes none.
constexpr std::uint32_t kCopyTokens = 64;

/// The last batch of the CPU alone, which has no device memory that a larger one could ask for.
constexpr std::uint32_t kLastBatchOfCpu = 4;

/// Timed at the end, one token of each sequence together: what a step takes there is worth knowing,
/// and one alone may have met a stall.
constexpr std::uint32_t kEndSteps = 8;

/// How cells are filled without decoding each of them.
enum class Copying {
  none,
  pieces,          ///< a decoded piece over and over, in a cache that all sequences share
  whole_sequence,  ///< what one sequence decoded to the others, each of which has its own part
};

/// Only a plain attention cache takes the same positions twice, and only in one that is shared is
/// there room for one more sequence that a piece is restored into.
Copying copying_for(const llama_context& context) {
  const llama_model* model = llama_get_model(&context);
  if (llama_model_is_recurrent(model) || llama_model_is_hybrid(model) ||
      llama_model_n_swa(model) != 0) {
    return Copying::none;
  }
  const std::uint32_t sequences = llama_n_seq_max(&context);
  const bool shared = sequences == 1 || llama_n_ctx_seq(&context) == llama_n_ctx(&context);
  if (!shared) return Copying::whole_sequence;
  return sequences < llama_max_parallel_sequences() ? Copying::pieces : Copying::none;
}

class DepthTest {
 public:
  DepthTest(Decoder& decoder, Reply& reply, std::uint32_t last_batch, Copying copying)
      : decoder_(decoder),
        reply_(reply),
        last_batch_(last_batch),
        copying_(copying),
        filled_(decoder.all().count, 0) {}

  [[nodiscard]] bool copied() const { return copied_; }

  Answer<protocol::FullDepthResult> run() {
    const double start = now_ms();
    const std::uint32_t end = decoder_.capacity();
    if (end < 2)
      return fault(FaultCode::bad_request, Phase::full_depth, "the context is too small");
    const std::uint32_t steps = std::min(kEndSteps, end / 2);
    const std::uint32_t last_batch =
        std::clamp(last_batch_ / decoder_.all().count, 1U, end - steps);
    target_ = end - steps - last_batch;
    decoder_.clear();
    if (auto filled = fill(); !filled) return tl::unexpected(filled.error());
    if (auto done = append(last_batch, decoder_.all()); !done) return tl::unexpected(done.error());

    protocol::FullDepthResult result;
    while (result.steps_ms.size() < steps) {
      const double step_start = now_ms();
      if (auto done = append(1, decoder_.all()); !done) return tl::unexpected(done.error());
      result.steps_ms.push_back(now_ms() - step_start);
    }
    result.n_sequences = decoder_.all().count;
    result.tokens_each = *std::min_element(filled_.begin(), filled_.end());
    result.filled_by = copied_ ? "copy" : "decode";
    result.seconds = (now_ms() - start) / 1000;
    const bool finite = decoder_.logits_are_sound();
    decoder_.clear();
    if (!finite) {
      return fault(FaultCode::non_finite, Phase::full_depth,
                   "the logits at the end of the context are NaN, infinite or all alike");
    }
    return result;
  }

 private:
  /// `positions` more tokens of each of `sequences`, which hold alike many.
  Answer<void> append(std::uint32_t positions, Sequences sequences) {
    const auto first = static_cast<std::size_t>(sequences.first);
    auto tokens = decoder_.tokens(filled_[first], positions, sequences);
    auto done = decoder_.submit(tokens, Phase::full_depth, sequences);
    decoder_.synchronize();
    for (std::size_t i = first; done && i < first + sequences.count; ++i) filled_[i] += positions;
    return done;
  }

  Answer<void> fill() {
    if (target_ == 0) return {};  // the last batch takes all
    if (copying_ == Copying::pieces) {
      if (auto done = copy_pieces(); !done) return done;
    }
    for (std::size_t s = 0; s < filled_.size(); ++s) {
      if (s > 0 && copying_ == Copying::whole_sequence) copy_whole(s);
      if (auto done = decode_up_to_target(s); !done) return done;
    }
    return {};
  }

  Answer<void> decode_up_to_target(std::size_t sequence) {
    while (filled_[sequence] < target_) {
      const std::uint32_t positions = std::min(target_ - filled_[sequence], decoder_.batch_size());
      if (auto done = append(positions, one(sequence)); !done) return done;
      report();
    }
    return {};
  }

  /// A piece over the cells of one sequence after the other.
  Answer<void> copy_pieces() {
    const std::uint32_t piece = std::min(kCopyTokens, decoder_.batch_size());
    if (target_ / piece < 2) return {};
    if (auto done = append(piece, one(0)); !done) return done;
    const std::vector<std::uint8_t> state = state_of_first();
    for (std::size_t s = 0; s < filled_.size(); ++s) {
      // What whole pieces leave is decoded here, where a token looks back on next to nothing.
      if (target_ % piece > 0) {
        if (auto done = append(target_ % piece, one(s)); !done) return done;
      }
      if (!state.empty()) copy_up_to_target(s, piece, state);
    }
    return {};
  }

  [[nodiscard]] std::vector<std::uint8_t> state_of_first() const {
    llama_context& context = decoder_.context();
    std::vector<std::uint8_t> state(llama_state_seq_get_size(&context, 0));
    state.resize(llama_state_seq_get_data(&context, state.data(), state.size(), 0));
    return state;
  }

  /// Adds the `piece` tokens of `state` to a sequence as often as they fit. Where llama.cpp does
  /// not take a copy, what is there stays and the rest is decoded.
  void copy_up_to_target(std::size_t sequence, std::uint32_t piece,
                         const std::vector<std::uint8_t>& state) {
    llama_context& context = decoder_.context();
    const llama_memory_t memory = llama_get_memory(&context);
    const auto spare = static_cast<llama_seq_id>(filled_.size());  // no sequence of the context
    while (filled_[sequence] + piece <= target_) {
      if (llama_state_seq_set_data(&context, state.data(), state.size(), spare) == 0) return;
      llama_memory_seq_cp(memory, spare, static_cast<llama_seq_id>(sequence), -1, -1);
      llama_memory_seq_rm(memory, spare, -1, -1);
      copied_ = true;
      filled_[sequence] += piece;
      report();
    }
  }

  /// All of the first sequence to another one, which is empty. llama.cpp moves the cells themselves
  /// with the next decode.
  void copy_whole(std::size_t sequence) {
    const auto to = static_cast<llama_seq_id>(sequence);
    llama_memory_seq_cp(llama_get_memory(&decoder_.context()), 0, to, -1, -1);
    filled_[sequence] = decoder_.depth(to);
    copied_ = copied_ || filled_[sequence] > 0;
    report();
  }

  static Sequences one(std::size_t sequence) { return {static_cast<llama_seq_id>(sequence), 1}; }

  void report() {
    const auto filled = std::accumulate(filled_.begin(), filled_.end(), std::uint64_t{0});
    const double all = static_cast<double>(target_) * static_cast<double>(filled_.size());
    reply_.progress(Phase::full_depth, static_cast<double>(filled) / all);
  }

  Decoder& decoder_;
  Reply& reply_;
  std::uint32_t last_batch_;
  Copying copying_;
  std::uint32_t target_ = 0;  ///< tokens of each sequence before the last batch
  std::vector<std::uint32_t>
      filled_;  ///< by sequence; counted: positions repeat where cells were copied
  bool copied_ = false;
};

}  // namespace

Answer<protocol::FullDepthResult> full_depth(Decoder& decoder, Reply& reply, bool on_device) {
  reply.progress(Phase::full_depth, 0);
  const std::uint32_t last_batch = on_device ? llama_n_ubatch(&decoder.context()) : kLastBatchOfCpu;
  DepthTest quick(decoder, reply, last_batch, copying_for(decoder.context()));
  auto result = quick.run();
  const bool blame_copy =
      !result && quick.copied() && result.error().code == FaultCode::decode_failed;
  // A failure with a copied cache does not count: with a decoded one the config may fit.
  return blame_copy ? DepthTest(decoder, reply, last_batch, Copying::none).run() : result;
}

}  // namespace sweetspot::worker
