#include "search/context_prices.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "search/tune_space.hpp"

namespace sweetspot::search {
namespace {

double ratio(double of, double to) { return of > 0 && to > 0 ? of / to : 1; }

// What was measured on one placement.
class Bench {
 public:
  Bench(const std::vector<Arm>& arms, const Placement& placement) {
    for (const Arm& arm : arms) {
      if (arm.config.placement == placement && arm.cost && arm.generation_ms)
        found_.push_back(&arm);
    }
  }

  [[nodiscard]] const std::vector<const Arm*>& arms() const { return found_; }

  [[nodiscard]] const Arm* at(const ContextSettings& context) const {
    const auto found = std::find_if(found_.begin(), found_.end(),
                                    [&](const Arm* arm) { return arm->config.context == context; });
    return found == found_.end() ? nullptr : *found;
  }

  // Two arms that differ by `change` alone: without it and with it.
  template <typename Change>
  [[nodiscard]] std::optional<std::pair<PassTimes, PassTimes>> pair(Change change) const {
    for (const Arm* arm : found_) {
      ContextSettings changed = arm->config.context;
      change(changed);
      if (changed == arm->config.context) continue;
      if (const Arm* other = at(changed)) return std::pair(times_of(*arm), times_of(*other));
    }
    return std::nullopt;
  }

 private:
  std::vector<const Arm*> found_;
};

double pieces_of(std::uint32_t n_prompt, std::uint32_t n_ubatch) {
  return std::ceil(static_cast<double>(n_prompt) / n_ubatch);
}

// The prompt's time by size of its pieces, relative to that of `now`: measured sizes up to `now`,
// then smaller ones on the line through the two smallest.
std::map<std::uint32_t, double> smaller_pieces(const Bench& bench, const ContextSettings& base,
                                               std::uint32_t now, std::uint32_t n_prompt) {
  std::map<std::uint32_t, double> ms;
  for (const Arm* arm : bench.arms()) {
    ContextSettings same = arm->config.context;
    same.n_ubatch = base.n_ubatch;
    same.n_batch = base.n_batch;
    if (same == base && arm->prompt_ms) ms[arm->config.context.n_ubatch] = arm->prompt_ms->value;
  }
  std::map<std::uint32_t, double> factors = {{now, 1.0}};
  const auto there = ms.find(now);
  if (there == ms.end() || ms.size() < 2) return factors;
  const double at_now = there->second;
  const auto smallest = ms.begin();
  const auto second = std::next(smallest);
  const double steps = pieces_of(n_prompt, smallest->first) - pieces_of(n_prompt, second->first);
  const double each = steps > 0 ? std::max(0.0, smallest->second - second->second) / steps : 0;
  if (smallest->first < now) {
    for (auto one = ms.begin(); one->first < now; ++one) factors[one->first] = one->second / at_now;
  }
  for (std::uint32_t n = std::min(now, smallest->first) / 2; n >= kLeastPieces; n /= 2) {
    const double more = pieces_of(n_prompt, n) - pieces_of(n_prompt, smallest->first);
    factors[n] = (smallest->second + more * each) / at_now;
  }
  return factors;
}

}  // namespace

PassTimes ContextPrice::at(const PassTimes& base, int blocks_on_device) const {
  return {base.generation_ms * generation_factor + generation_ms_per_block * blocks_on_device,
          base.prompt_ms * prompt_factor + prompt_ms_per_block * blocks_on_device};
}

std::vector<ContextPrice> prices_of(const std::vector<Arm>& arms, const Config& walked,
                                    const ContextSettings& base, const TuneRules& rules,
                                    int blocks_on_device) {
  const Bench bench(arms, walked.placement);
  const Arm* start = bench.at(base);
  const Arm* end = bench.at(walked.context);
  if (start == nullptr || end == nullptr) return {};
  const int blocks = std::max(1, blocks_on_device);

  ContextPrice stem{walked.context,
                    ratio(times_of(*end).generation_ms, times_of(*start).generation_ms),
                    ratio(times_of(*end).prompt_ms, times_of(*start).prompt_ms)};
  ContextPrice host;
  const auto cache = bench.pair([](ContextSettings& context) { context.kv_offload = false; });
  if (cache) {
    host.generation_ms_per_block =
        (cache->second.generation_ms - cache->first.generation_ms) / blocks;
    host.prompt_ms_per_block = (cache->second.prompt_ms - cache->first.prompt_ms) / blocks;
  }
  std::vector<ContextPrice> stems = {stem};
  if (!walked.context.kv_offload && cache) {
    // The walk ended with it: what it costs is taken out of the factors again.
    const PassTimes whole = times_of(*end);
    stems.front().generation_factor =
        ratio(whole.generation_ms - host.generation_ms_per_block * blocks,
              times_of(*start).generation_ms);
    stems.front().prompt_factor =
        ratio(whole.prompt_ms - host.prompt_ms_per_block * blocks, times_of(*start).prompt_ms);
    stems.front().context.kv_offload = true;
  }
  const FlashAttention chosen = walked.context.flash_attn;
  if (chosen != base.flash_attn) {
    const auto flash =
        bench.pair([&](ContextSettings& context) { context.flash_attn = base.flash_attn; });
    if (flash) {
      stems.push_back(stems.front());
      stems.back().context.flash_attn = base.flash_attn;
      stems.back().generation_factor *=
          ratio(flash->second.generation_ms, flash->first.generation_ms);
      stems.back().prompt_factor *= ratio(flash->second.prompt_ms, flash->first.prompt_ms);
    }
  }

  std::vector<ContextPrice> prices;
  for (const ContextPrice& one : stems) {
    for (const auto& [n_ubatch, factor] :
         smaller_pieces(bench, base, one.context.n_ubatch, rules.n_prompt())) {
      ContextPrice price = one;
      price.context.n_ubatch = n_ubatch;
      price.prompt_factor *= factor;
      prices.push_back(price);
      if (!cache || !price.context.kv_offload) continue;
      price.context.kv_offload = false;
      price.generation_ms_per_block = host.generation_ms_per_block;
      price.prompt_ms_per_block = host.prompt_ms_per_block;
      prices.push_back(price);
    }
  }
  return prices;
}

}  // namespace sweetspot::search
