#include "worker/full_depth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "worker/clock.hpp"

namespace sweetspot::worker {
namespace {

/// About so many tokens are decoded for real and then copied: what is decoded takes time, at the
/// end of a long context most of all, and a copy takes none.
constexpr std::uint32_t kCopyTokens = 64;

/// The last batch of the CPU alone, which has no device memory that a larger one could ask for.
constexpr std::uint32_t kLastBatchOfCpu = 16;

/// Timed one at a time at the end: what a token takes there is worth knowing, and one alone may
/// have met a stall.
constexpr std::uint32_t kEndTokens = 8;

/// Sequence that a copy is restored into before it is joined to sequence 0.
constexpr llama_seq_id kCopySequence = 1;

/// Only a plain, unified attention cache takes the same positions twice.
bool can_copy(const llama_context& context) {
  const llama_model* model = llama_get_model(&context);
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
         llama_model_n_swa(model) == 0 && llama_n_seq_max(&context) == 1 &&
         static_cast<std::size_t>(kCopySequence) < llama_max_parallel_sequences();
}

class DepthTest {
 public:
  DepthTest(Decoder& decoder, Reply& reply, std::uint32_t last_batch, bool may_copy)
      : decoder_(decoder), reply_(reply), last_batch_(last_batch), may_copy_(may_copy) {}

  [[nodiscard]] bool copied() const { return copied_; }

  Answer<protocol::FullDepthResult> run() {
    const double start = now_ms();
    const std::uint32_t end = decoder_.capacity();
    if (end < 2)
      return fault(FaultCode::bad_request, Phase::full_depth, "the context is too small");
    const std::uint32_t tokens = std::min(kEndTokens, end / 2);
    const std::uint32_t last_batch = std::min(last_batch_, end - tokens);
    const std::uint32_t target = end - tokens - last_batch;
    decoder_.clear();
    if (auto filled = fill(target); !filled) return tl::unexpected(filled.error());
    if (auto done = append(last_batch); !done) return tl::unexpected(done.error());

    protocol::FullDepthResult result{end, copied_ ? "copy" : "decode", 0, {}};
    while (result.tokens_ms.size() < tokens) {
      const double token_start = now_ms();
      if (auto done = append(1); !done) return tl::unexpected(done.error());
      result.tokens_ms.push_back(now_ms() - token_start);
    }
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
  Answer<void> append(std::uint32_t count) {
    auto tokens = decoder_.tokens(filled_, count);
    auto done = decoder_.submit(tokens, Phase::full_depth);
    decoder_.synchronize();
    if (done) filled_ += count;
    return done;
  }

  Answer<void> fill(std::uint32_t target) {
    const std::uint32_t piece = std::min(kCopyTokens, decoder_.batch_size());
    if (may_copy_ && target / piece > 1) {
      if (auto done = append(piece); !done) return done;
      const std::vector<std::uint8_t> state = state_so_far();
      // What whole pieces leave is decoded here, where a token looks back on next to nothing.
      if (target % piece > 0) {
        if (auto done = append(target % piece); !done) return done;
      }
      if (!state.empty()) copy_up_to(target, piece, state);
    }
    while (filled_ < target) {
      if (auto done = append(std::min(target - filled_, decoder_.batch_size())); !done) return done;
      report(target);
    }
    return {};
  }

  [[nodiscard]] std::vector<std::uint8_t> state_so_far() const {
    llama_context& context = decoder_.context();
    std::vector<std::uint8_t> state(llama_state_seq_get_size(&context, 0));
    state.resize(llama_state_seq_get_data(&context, state.data(), state.size(), 0));
    return state;
  }

  /// Adds the `piece` tokens of `state` to the cache as often as they fit. Where llama.cpp does not
  /// take a copy, what is there stays and the rest is decoded.
  void copy_up_to(std::uint32_t target, std::uint32_t piece,
                  const std::vector<std::uint8_t>& state) {
    llama_context& context = decoder_.context();
    const llama_memory_t memory = llama_get_memory(&context);
    while (filled_ + piece <= target) {
      if (llama_state_seq_set_data(&context, state.data(), state.size(), kCopySequence) == 0)
        return;
      llama_memory_seq_cp(memory, kCopySequence, 0, -1, -1);
      llama_memory_seq_rm(memory, kCopySequence, -1, -1);
      copied_ = true;
      filled_ += piece;
      report(target);
    }
  }

  void report(std::uint32_t target) {
    reply_.progress(Phase::full_depth, static_cast<double>(filled_) / static_cast<double>(target));
  }

  Decoder& decoder_;
  Reply& reply_;
  std::uint32_t last_batch_;
  bool may_copy_;
  std::uint32_t filled_ = 0;  ///< counted: positions repeat where cells were copied
  bool copied_ = false;
};

}  // namespace

Answer<protocol::FullDepthResult> full_depth(Decoder& decoder, Reply& reply, bool on_device) {
  reply.progress(Phase::full_depth, 0);
  const std::uint32_t last_batch = on_device ? llama_n_ubatch(&decoder.context()) : kLastBatchOfCpu;
  DepthTest quick(decoder, reply, last_batch, can_copy(decoder.context()));
  auto result = quick.run();
  const bool blame_copy =
      !result && quick.copied() && result.error().code == FaultCode::decode_failed;
  // A copied cache must not condemn a configuration that a real one would fit.
  return blame_copy ? DepthTest(decoder, reply, last_batch, false).run() : result;
}

}  // namespace sweetspot::worker
