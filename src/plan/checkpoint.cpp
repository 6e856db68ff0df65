#include "plan/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "plan/arithmetic.hpp"

namespace sweetspot::plan {
namespace {

/// Of each sequence: longer than any window is, so that only what grows with the context grows.
constexpr std::uint32_t kBeyondWindows = 32768;

std::uint64_t context_bytes(const PlannedMemory& planned) {
  std::uint64_t bytes = 0;
  for (const DeviceMemory& device : planned.memory) bytes = plus(bytes, device.context_bytes);
  return bytes;
}

Result<Reading<std::vector<PlannedMemory>>> ask(const MapSource& source,
                                                const std::vector<Config>& configs) {
  auto answers = source(configs);
  if (!answers) return tl::unexpected(answers.error());
  if (answers->size() != configs.size()) {
    return error(ErrorKind::internal, fmt::format("{} memory maps came back for {} configs",
                                                  answers->size(), configs.size()));
  }
  for (const PlannedMemory& planned : *answers) {
    if (!planned.problem.empty()) {
      return Reading<std::vector<PlannedMemory>>(Absence{planned.problem});
    }
  }
  return Reading<std::vector<PlannedMemory>>(*std::move(answers));
}

/// How much a token more takes.
std::uint64_t slope(const PlannedMemory& shorter, const PlannedMemory& longer) {
  const std::uint64_t tokens = minus(longer.n_ctx, shorter.n_ctx);
  return tokens == 0 ? 0 : minus(context_bytes(longer), context_bytes(shorter)) / tokens;
}

std::vector<Config> long_contexts(const Config& config, bool swa_full) {
  std::vector<Config> configs(2, config);
  const std::uint32_t n_ctx = kBeyondWindows * std::max(config.context.n_parallel, 1U);
  configs[0].context.n_ctx = n_ctx;
  configs[1].context.n_ctx = 2 * n_ctx;
  for (Config& one : configs) one.context.swa_full = swa_full;
  return configs;
}

}  // namespace

Result<Reading<std::uint64_t>> checkpoint_bytes(const Config& config, const MapSource& source) {
  std::vector<Config> configs = long_contexts(config, config.context.swa_full);
  configs.push_back(config);
  const auto plain = ask(source, configs);
  if (!plain) return tl::unexpected(plain.error());
  if (!*plain) return Reading<std::uint64_t>(Absence{plain->reason()});
  const std::vector<PlannedMemory>& maps = **plain;
  const PlannedMemory& now = maps.back();
  const std::uint64_t by_token = slope(maps[0], maps[1]);
  const std::uint64_t fixed = minus(context_bytes(now), now.n_ctx * by_token);
  const std::uint64_t sequences = std::max(config.context.n_parallel, 1U);
  if (fixed == 0) return Reading<std::uint64_t>(std::uint64_t{0});

  const auto whole = ask(source, long_contexts(config, true));
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) return Reading<std::uint64_t>(Absence{whole->reason()});
  const std::uint64_t by_token_of_window = minus(slope((**whole)[0], (**whole)[1]), by_token);
  // Beside a window lies room for a piece of a prompt, of each sequence that has a cache of its
  // own. A context shorter than the window is all window.
  const std::uint64_t window = by_token_of_window == 0 ? 0 : fixed / by_token_of_window;
  const std::uint64_t caches = context_parts(config.context);
  const bool filled = window < now.n_ctx;
  const std::uint64_t pieces =
      filled ? caches * std::min(config.context.n_ubatch, config.context.n_batch) : 0;
  const std::uint64_t copied = minus(fixed, std::min(window, pieces) * by_token_of_window);
  return Reading<std::uint64_t>((copied + sequences - 1) / sequences);
}

}  // namespace sweetspot::plan
