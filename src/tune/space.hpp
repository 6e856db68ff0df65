// What a tune chooses from: placements by families, and variations of a context. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/model_info.hpp"
#include "core/reading.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::tune {

/// A config and what llama.cpp says of its memory.
struct Option {
  Config config;
  std::string why_not;  ///< it does not fit or is refused; empty where it may be tried
  Reading<std::uint64_t> vram_bytes = Absence{"not asked"};
  Reading<double> vram_percent = Absence{"not asked"};
  /// Free memory that is left on the device with least, for the rule of `--fit`.
  Reading<std::uint64_t> left_bytes = Absence{"not asked"};
};

/// Every placement worth asking about, each once:
///  - n_gpu_layers from 0 (beside the device, which then reads prompts) to all;
///  - all layers, with the experts (or, dense, the feed-forward weights) of the first 1.. blocks on
///    the CPU;
///  - experts: fewer layers with all experts on the CPU.
///  - the CPU alone, the last.
/// `has_device` false: the CPU alone only. What `base` keeps on the CPU was chosen: then only the
/// layers vary.
std::vector<Placement> placements_of(const Placement& base, const ModelInfo& model,
                                     bool has_device);

/// The smallest pieces of a prompt that are tried: those of a device with little memory to spare.
inline constexpr std::uint32_t kLeastPieces = 64;
/// And the largest: beyond them nothing is gained.
inline constexpr std::uint32_t kMostPieces = 2048;

/// Halved from `now` on, downwards.
std::vector<std::uint32_t> smaller_pieces(std::uint32_t now);

/// Doubled from `now` on up to `largest` and to kMostPieces, the last of them the first that takes
/// a prompt of `n_prompt` tokens at once: larger ones change nothing.
std::vector<std::uint32_t> larger_pieces(std::uint32_t now, std::uint32_t largest,
                                         std::uint32_t n_prompt);

/// The context settings whose memory has to be known before they are tried: `base` first, then
/// smaller and larger pieces, flash attention the other way, and a cache in host memory, alone and
/// with smaller pieces.
std::vector<ContextSettings> memory_variants(const ContextSettings& base, bool has_device,
                                             std::uint32_t n_prompt);

/// What llama.cpp's `--fit on` would choose of the options with context `context`: everything where
/// a GiB stays free on each device, else the most layers for which it does; with experts all layers
/// and as few experts on the CPU as it takes. The first option where nothing else fits.
std::size_t fitted_option(const std::vector<Option>& options, const ContextSettings& context);

/// What `--fit` leaves free on each device.
inline constexpr std::uint64_t kFitMarginBytes = kGiB;

}  // namespace sweetspot::tune
