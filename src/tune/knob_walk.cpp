#include "tune/knob_walk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tune/space.hpp"

namespace sweetspot::tune {

KnobWalk::KnobWalk(Config start, const KnobLimits& limits)
    : best_(std::move(start)), limits_(limits) {
  add_batches();
  if (limits_.on_cpu) add_threads();
  add_flash_attention();
  if (limits_.on_device && best_.context.kv_offload) {
    add({"kv_offload",
         {{"cache in host memory", [](ContextSettings& context) { context.kv_offload = false; }}},
         "what does a cache in host memory cost"});
  }
  if (limits_.allow_kv_quant) add_cache_types();
}

bool KnobWalk::is_fixed(std::string_view knob) const {
  const auto& fixed = limits_.fixed;
  return std::find(fixed.begin(), fixed.end(), knob) != fixed.end();
}

void KnobWalk::add(Direction direction) {
  if (is_fixed(direction.knob) || direction.changes.empty()) return;
  directions_.push_back(std::move(direction));
}

void KnobWalk::add_flash_attention() {
  const bool off = best_.context.flash_attn == FlashAttention::off;
  const FlashAttention other = off ? FlashAttention::on : FlashAttention::off;
  add({"flash_attn",
       {{fmt::format("flash attention {}", to_string(other)),
         [other](ContextSettings& context) { context.flash_attn = other; }}},
       "is flash attention worth it here"});
}

// A quantized V needs flash attention: where the user switched it off, or chose a type, both stay.
void KnobWalk::add_cache_types() {
  const bool may_use_flash =
      !is_fixed("flash_attn") || best_.context.flash_attn != FlashAttention::off;
  if (is_fixed("type_v") || !may_use_flash) return;
  const bool keep_flash = is_fixed("flash_attn");
  Direction smaller{"type_k", {}, "is a smaller cache faster, and is the output the same"};
  for (const char* type : {"q8_0", "q4_0"}) {
    smaller.changes.push_back(
        {fmt::format("{} cache", type), [type, keep_flash](ContextSettings& context) {
           context.type_k = context.type_v = type;
           if (!keep_flash) context.flash_attn = FlashAttention::on;
         }});
  }
  add(std::move(smaller));
}

// A prompt is cut into pieces of n_ubatch: one larger than the prompt changes nothing, nor does one
// larger than n_batch, which grows along unless the user chose it.
void KnobWalk::add_batches() {
  const std::uint32_t now = best_.context.n_ubatch;
  const std::uint32_t n_ctx = best_.context.n_ctx;
  const std::uint32_t largest =
      is_fixed("n_batch") ? std::min(best_.context.n_batch, n_ctx) : n_ctx;
  if (limits_.n_prompt == 0) return;
  const auto piece = [](std::uint32_t n) {
    return Change{fmt::format("n_ubatch {}", n), [n](ContextSettings& context) {
                    context.n_ubatch = n;
                    context.n_batch = std::max(context.n_batch, n);
                  }};
  };
  Direction up{"n_ubatch", {}, "do larger pieces of the prompt pay"};
  for (const std::uint32_t n : larger_pieces(now, largest, limits_.n_prompt)) {
    up.changes.push_back(piece(n));
  }
  Direction down{"n_ubatch", {}, "do smaller pieces of the prompt pay", true};
  for (const std::uint32_t n : smaller_pieces(now)) {
    if (n < limits_.n_prompt) down.changes.push_back(piece(n));
  }
  add(std::move(up));
  add(std::move(down));
  if (limits_.n_prompt <= now || best_.context.n_batch <= now) return;
  add({"n_batch",
       {{"n_batch of one piece",
         [](ContextSettings& context) { context.n_batch = context.n_ubatch; }}},
       "does a batch of one piece pay"});
}

void KnobWalk::add_threads() {
  const int now = best_.context.n_threads > 0 ? best_.context.n_threads : limits_.physical_cores;
  const int batch = best_.context.n_threads_batch > 0 ? best_.context.n_threads_batch : now;
  const bool keep_batch = is_fixed("n_threads_batch");
  const auto threads = [batch, keep_batch](int n) {
    return Change{fmt::format("{} thread{}", n, n == 1 ? "" : "s"),
                  [n, batch, keep_batch](ContextSettings& context) {
                    context.n_threads = n;
                    // 0 would follow n_threads.
                    if (context.n_threads_batch == 0 && !keep_batch)
                      context.n_threads_batch = batch;
                  }};
  };
  Direction fewer{"n_threads", {}, "generation waits for memory: do fewer threads do"};
  for (int n = now / 2; n >= 1 && now > 1; n /= 2) fewer.changes.push_back(threads(n));
  Direction more{"n_threads", {}, "do more threads help generation", true};
  const int logical = limits_.logical_cores;
  if (logical > now) more.changes.push_back(threads(logical));
  add(std::move(fewer));
  add(std::move(more));
  if (limits_.n_prompt == 0 || logical <= batch) return;
  add({"n_threads_batch",
       {{fmt::format("{} threads for prompts", logical),
         [logical](ContextSettings& context) { context.n_threads_batch = logical; }}},
       "do more threads help the prompt"});
}

std::optional<Variation> KnobWalk::ask() const {
  if (direction_ >= directions_.size()) return std::nullopt;
  const Direction& direction = directions_[direction_];
  const Change& change = direction.changes[change_];
  Variation variation{best_, change.title, direction.reason};
  change.make(variation.config.context);
  return variation;
}

void KnobWalk::tell(bool won) {
  const auto asked = ask();
  if (!asked) return;
  if (won) {
    best_ = asked->config;
    if (change_ + 1 < directions_[direction_].changes.size()) {
      ++change_;
      return;
    }
  }
  next_direction(won || change_ > 0);
}

// Where one direction of a knob won, the other lies behind it.
void KnobWalk::next_direction(bool won_here) {
  const std::string knob = directions_[direction_].knob;
  ++direction_;
  change_ = 0;
  while (won_here && direction_ < directions_.size() && directions_[direction_].skip_after_win &&
         directions_[direction_].knob == knob) {
    ++direction_;
  }
}

}  // namespace sweetspot::tune
