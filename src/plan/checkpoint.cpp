#include "plan/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ground/bytes.hpp"

namespace sweetspot::plan {
namespace {

/// Of each sequence: longer than any window is, so that only what grows with the context grows.
constexpr std::uint32_t kBeyondWindows = 32768;

std::uint64_t context_bytes(const PlannedMemory& planned) {
  std::uint64_t bytes = 0;
  for (const DeviceMemory& device : planned.memory) bytes = plus(bytes, device.context_bytes);
  return bytes;
}

/// Absent where llama.cpp refuses one of them.
Result<Reading<std::vector<PlannedMemory>>> ask_maps(const MapSource& source,
                                                     const std::vector<Config>& configs) {
  auto answers = ask_all(source, configs);
  if (!answers) return tl::unexpected(answers.error());
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

/// llama.cpp gives a window room for a piece of a prompt (n_ubatch) beside it and rounds both up to
/// 256 cells (llama-kv-cache-iswa.cpp).
constexpr std::uint32_t kCells = 256;
constexpr std::uint32_t kPieceStep = 32;

std::vector<Config> piece_sizes(const Config& config) {
  std::vector<Config> configs;
  for (std::uint32_t piece = kPieceStep; piece <= kCells; piece += kPieceStep) {
    configs.push_back(config);
    configs.back().context.n_ubatch = piece;
    configs.back().context.n_batch = std::max(config.context.n_batch, piece);
  }
  return configs;
}

/// As long as a larger piece takes no more, it lies in what was rounded up: the window is smaller
/// by at least that piece. Of the answers to piece_sizes(); true to kPieceStep cells.
std::uint64_t windows_alone(const std::vector<PlannedMemory>& pieces, std::uint64_t by_token,
                            std::uint64_t bytes_of_a_cell) {
  const auto fixed = [&](const PlannedMemory& planned) {
    return minus(context_bytes(planned), planned.n_ctx * by_token);
  };
  std::uint32_t piece = 0;
  for (const PlannedMemory& planned : pieces) {
    if (fixed(planned) != fixed(pieces.front())) break;
    piece += kPieceStep;
  }
  return minus(fixed(pieces.front()), piece * bytes_of_a_cell);
}

}  // namespace

Result<Reading<std::uint64_t>> checkpoint_bytes(const Config& config, const MapSource& source) {
  std::vector<Config> configs = long_contexts(config, config.context.swa_full);
  configs.push_back(config);
  const auto plain = ask_maps(source, configs);
  if (!plain) return tl::unexpected(plain.error());
  if (!*plain) return Reading<std::uint64_t>(Absence{plain->reason()});
  const std::vector<PlannedMemory>& maps = **plain;
  const PlannedMemory& now = maps.back();
  const std::uint64_t by_token = slope(maps[0], maps[1]);
  const std::uint64_t fixed = minus(context_bytes(now), now.n_ctx * by_token);
  const std::uint64_t sequences = std::max(config.context.n_parallel, 1U);
  if (fixed == 0) return Reading<std::uint64_t>(std::uint64_t{0});

  const auto whole = ask_maps(source, long_contexts(config, true));
  if (!whole) return tl::unexpected(whole.error());
  if (!*whole) return Reading<std::uint64_t>(Absence{whole->reason()});
  const std::uint64_t by_token_of_window = minus(slope((**whole)[0], (**whole)[1]), by_token);
  std::uint64_t copied = fixed;
  if (by_token_of_window > 0) {
    const auto pieces = ask_maps(source, piece_sizes(configs.front()));
    if (!pieces) return tl::unexpected(pieces.error());
    if (!*pieces) return Reading<std::uint64_t>(Absence{pieces->reason()});
    // A context shorter than the window is all window.
    copied = std::min(fixed, windows_alone(**pieces, by_token,
                                           by_token_of_window * context_parts(config.context)));
  }
  return Reading<std::uint64_t>((copied + sequences - 1) / sequences);
}

}  // namespace sweetspot::plan
