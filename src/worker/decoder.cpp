#include "worker/decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "worker/fixed_tokens.hpp"
#include "worker/library_log.hpp"

namespace sweetspot::worker {
namespace {

bool goes_back_in_part(const llama_model* model) {
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
         llama_model_n_swa(model) == 0;
}

bool is_sound(std::span<const float> row) {
  const auto sound = [](float value) { return std::isfinite(value); };
  if (row.empty() || !std::all_of(row.begin(), row.end(), sound)) return false;
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  return row.size() == 1 || *low != *high;
}

/// What llama_decode is given: tokens that lie elsewhere, of each sequence in turn. Positions
/// follow from what each sequence holds; the last token of each has logits.
class Batch {
 public:
  /// `before`: tokens of the same turns that earlier batches held.
  Batch(std::span<llama_token> tokens, Sequences sequences, std::size_t before)
      : tokens_(tokens),
        ids_(tokens.size()),
        id_of_(tokens.size()),
        counts_(tokens.size(), 1),
        has_logits_(tokens.size(), 0) {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      ids_[i] = sequences.first + static_cast<llama_seq_id>((before + i) % sequences.count);
      id_of_[i] = &ids_[i];
    }
    outputs_ = static_cast<std::uint32_t>(std::min<std::size_t>(sequences.count, tokens.size()));
    std::fill(has_logits_.end() - outputs_, has_logits_.end(), 1);
  }

  [[nodiscard]] llama_batch view() {
    llama_batch batch = llama_batch_get_one(tokens_.data(), static_cast<int>(tokens_.size()));
    batch.n_seq_id = counts_.data();
    batch.seq_id = id_of_.data();
    batch.logits = has_logits_.data();
    return batch;
  }
  [[nodiscard]] std::uint32_t outputs() const { return outputs_; }

 private:
  std::span<llama_token> tokens_;
  std::vector<llama_seq_id> ids_;
  std::vector<llama_seq_id*> id_of_;
  std::vector<std::int32_t> counts_;
  std::vector<std::int8_t> has_logits_;
  std::uint32_t outputs_ = 0;
};

}  // namespace

Decoder::Decoder(llama_context& context)
    : context_(context),
      vocab_(llama_model_get_vocab(llama_get_model(&context))),
      can_rewind_(goes_back_in_part(llama_get_model(&context))) {}

std::uint32_t Decoder::depth(llama_seq_id sequence) const {
  return static_cast<std::uint32_t>(llama_memory_seq_pos_max(memory(), sequence) + 1);
}

std::uint32_t Decoder::capacity() const {
  // A cache that the sequences share gives each of them all of it, but not at once.
  return std::min(llama_n_ctx_seq(&context_), llama_n_ctx(&context_) / all().count);
}

std::vector<llama_token> Decoder::tokens(std::uint32_t first, std::uint32_t positions,
                                         Sequences sequences) const {
  std::vector<llama_token> out;
  out.reserve(std::size_t{positions} * sequences.count);
  for (std::uint32_t i = 0; i < positions; ++i) {
    for (std::uint32_t s = 0; s < sequences.count; ++s) {
      out.push_back(fixed_token(vocab_, std::uint64_t{first} + i,
                                sequences.first + static_cast<llama_seq_id>(s)));
    }
  }
  return out;
}

Answer<void> Decoder::submit(std::span<llama_token> tokens, Phase phase, Sequences sequences) {
  const auto mark = library_log::mark();
  for (std::size_t done = 0; done < tokens.size();) {
    const std::size_t n = std::min<std::size_t>(tokens.size() - done, batch_size());
    Batch batch(tokens.subspan(done, n), sequences, done);
    if (const int code = llama_decode(&context_, batch.view()); code != 0) {
      const std::string said = library_log::last_problem(mark);
      std::string message =
          fmt::format("llama_decode returned {} for {} tokens after {} in the cache{}{}", code, n,
                      depth(sequences.first), said.empty() ? "" : ": ", said);
      clear();
      return fault(FaultCode::decode_failed, phase, std::move(message));
    }
    outputs_ = batch.outputs();
    done += n;
  }
  return {};
}

Answer<void> Decoder::set_depth(std::uint32_t target, Phase phase, const std::atomic<bool>& stopped,
                                Reply& reply) {
  for (std::uint32_t s = 0; s < all().count; ++s) {
    const auto sequence = static_cast<llama_seq_id>(s);
    if (auto set = set_depth_of(sequence, target, phase, stopped, reply); !set) return set;
  }
  if (can_rewind_) forget();
  return {};
}

Answer<void> Decoder::set_depth_of(llama_seq_id sequence, std::uint32_t target, Phase phase,
                                   const std::atomic<bool>& stopped, Reply& reply) {
  if (rewind(sequence, target) || restore(sequence, target)) return {};
  while (depth(sequence) < target && !stopped) {
    const std::uint32_t here = depth(sequence);
    reply.progress(phase, -1);
    auto next = tokens(here, std::min(target - here, batch_size()), {sequence, 1});
    if (auto done = submit(next, phase, {sequence, 1}); !done) return done;
    synchronize();
  }
  const bool is_last = static_cast<std::uint32_t>(sequence) + 1 == all().count;
  if (depth(sequence) == target && !(can_rewind_ && is_last)) remember(sequence, target);
  return {};
}

bool Decoder::rewind(llama_seq_id sequence, std::uint32_t target) {
  const std::uint32_t here = depth(sequence);
  if (here > target && target > 0 && can_rewind_ &&
      llama_memory_seq_rm(memory(), sequence, static_cast<llama_pos>(target), -1)) {
    return true;
  }
  // A shallower cache is filled up from where it is.
  if (here > target) llama_memory_seq_rm(memory(), sequence, -1, -1);
  return depth(sequence) == target;
}

bool Decoder::restore(llama_seq_id sequence, std::uint32_t target) {
  if (snapshot_.empty() || snapshot_depth_ != target) return false;
  llama_memory_seq_rm(memory(), sequence, -1, -1);
  if (llama_state_seq_set_data(&context_, snapshot_.data(), snapshot_.size(), sequence) > 0 &&
      depth(sequence) == target) {
    return true;
  }
  forget();
  llama_memory_seq_rm(memory(), sequence, -1, -1);
  return false;
}

void Decoder::remember(llama_seq_id sequence, std::uint32_t target) {
  snapshot_.resize(llama_state_seq_get_size(&context_, sequence));
  snapshot_depth_ = target;
  const std::size_t taken =
      llama_state_seq_get_data(&context_, snapshot_.data(), snapshot_.size(), sequence);
  snapshot_.resize(taken);
}

void Decoder::forget() { snapshot_ = {}; }

void Decoder::clear() { llama_memory_clear(memory(), false); }

std::span<const float> Decoder::logits(std::uint32_t before_last) const {
  const float* row = llama_get_logits_ith(&context_, -1 - static_cast<std::int32_t>(before_last));
  const int count = llama_vocab_n_tokens(vocab_);
  if (row == nullptr || count <= 0) return {};
  return {row, static_cast<std::size_t>(count)};
}

bool Decoder::logits_are_sound() const {
  for (std::uint32_t i = 0; i < std::max(outputs_, 1U); ++i) {
    if (!is_sound(logits(i))) return false;
  }
  return true;
}

}  // namespace sweetspot::worker
