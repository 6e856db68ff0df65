// What a pretended computer and a pretended model are made of: numbers that may be drawn or given.
//
// These stand-ins are for the search alone: they have its shape of problem (costs that add up by
// block, steps, cliffs, noise), not the figures of any product. 1 GB is 1e9 bytes throughout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model_info.hpp"

namespace sweetspot::fake {

inline constexpr double kGb = 1e9;
inline constexpr double kBytesPerMsOfGb = 1e6;  ///< 1 GB/s in bytes per millisecond
inline constexpr double kBytesOfFloat = 4;

/// One block of a model.
struct Block {
  std::uint64_t bytes = 0;               ///< all its weights
  std::uint64_t expert_bytes = 0;        ///< part of `bytes`; 0 where the block is dense
  std::uint64_t ffn_bytes = 0;           ///< part of `bytes`: the dense feed-forward network
  std::uint64_t kv_bytes_per_token = 0;  ///< at f16; 0 where the block keeps a fixed state
};

struct Model {
  std::string name = "pretended";
  std::string architecture = "llama";
  std::vector<Block> blocks = {};
  std::uint64_t output_bytes = 0;     ///< what the last of the offloadable layers holds
  std::uint64_t embedding_bytes = 0;  ///< always on the host, a row of it is read per token
  double bits_per_weight = 4.85;
  int n_embd = 4096;
  int n_head = 32;
  int n_head_kv = 8;
  int n_ff = 14336;
  int n_vocab = 32000;
  int n_ctx_train = 32768;
  int n_expert = 0;  ///< 0 = dense
  int n_expert_used = 0;
  bool hybrid = false;

  [[nodiscard]] int offloadable() const { return static_cast<int>(blocks.size()) + 1; }
  [[nodiscard]] std::uint64_t size_bytes() const;
};

/// As a worker would inspect it; no file is named.
ModelInfo info_of(const Model& model);

/// The processor and its memory.
struct Processor {
  double bandwidth_gb_s = 50;     ///< at its best number of threads
  double saturating_threads = 6;  ///< from here more threads hardly read faster
  double gflops_per_core = 40;    ///< of a quantised matrix product
  int physical_cores = 8;
  int logical_cores = 16;
  int fast_cores = 8;  ///< the others are `slow_core_speed` as fast, and all wait for them
  double slow_core_speed = 0.5;
  double second_thread_gain = 0;     ///< of prompts, with all logical cores, relative
  double second_thread_loss = 0.06;  ///< of generation, with all logical cores, relative
  double block_overhead_us = 20;     ///< of each block: its threads meet at barriers
  double memory_total_gb = 64;
  double memory_used_gb = 6;
  double disk_gb_s = 2;    ///< reading a file that nobody has read yet
  double cached_gb_s = 8;  ///< reading it again
};

/// Where time per token is no straight line in the layers offloaded. None of these is llama.cpp's
/// doing: they stand for what devices do (slower memory at the end of a card, another power state).
enum class Quirk { none, kink, step, hump };

/// The device that layers are offloaded to.
struct Accelerator {
  std::string id = "GPU0";
  std::string backend = "PRETENDED";
  bool integrated = false;  ///< shares the processor's memory
  double memory_total_gb = 8;
  double memory_used_gb = 0.4;           ///< by others
  double driver_share_mb = 300;          ///< taken by the driver for us, in nobody's breakdown
  double pool_kb_per_ubatch_token = 60;  ///< taken at the first decode, in nobody's breakdown
  double bandwidth_gb_s = 250;
  double tflops = 20;             ///< of a quantised matrix product with many tokens
  double half_speed_tokens = 60;  ///< a batch of so many computes at half of that
  double best_ubatch = 2048;      ///< beyond it computing gets slower again
  double decline_per_doubling = 0.02;
  double block_overhead_us = 40;      ///< of each block: its kernels are launched one by one
  double entry_ms = 0.1;              ///< of each pass in which anything is computed there
  double link_gb_s = 12;              ///< to and from the host
  double link_latency_us = 20;        ///< of each crossing
  bool computes_host_weights = true;  ///< big batches copy the host's weights here to compute them
  bool flash_attention = true;        ///< supported: automatic means on
  double attention_on = 1;            ///< time of reading the cache, relative to its bandwidth
  double attention_off = 1.6;
  double spill_factor = 0;  ///< 0 = out of memory is an error; else so much slower when well beyond
  Quirk quirk = Quirk::none;
  double quirk_at = 0.5;    ///< share of the blocks offloaded
  double quirk_size = 0.2;  ///< of the time with everything on the device
};

/// What makes a measurement differ from the truth.
struct Disturbance {
  double sample = 0.01;          ///< Gaussian, relative
  double stall_probability = 0;  ///< of each sample
  double stall_low = 1.3;        ///< a stalled sample takes so many times longer, from
  double stall_high = 4;         ///< to
  double load_offset = 0.005;    ///< each load is so much off for good: half a range, relative
  double drift = 0;              ///< amplitude of a slow wave, relative
  double drift_period_seconds = 300;
  double ramp = 0.3;                   ///< the first sample after a context takes so much longer
  double throttle_after_seconds = 0;   ///< of work on the device, less what cooled; 0 = never
  double throttle_slowdown = 1.2;      ///< of the device
  double cooling_seconds = 60;         ///< without work for so long, a device keeps 1/e of its heat
  double neighbour_after_seconds = 0;  ///< virtual time; 0 = never
  double neighbour_seconds = 60;       ///< how long he stays
  double neighbour_share = 0.3;        ///< of the host's bandwidth that he takes
};

/// One measured row of a curve.
struct RecordedPoint {
  int layers = 0;
  double value = 0;
};

/// What somebody measured, in place of what would be computed. Rows by layers, ascending; between
/// two of them lies a straight line. Empty = computed.
struct Recording {
  std::vector<RecordedPoint> ms_per_token = {};
  std::vector<RecordedPoint> prompt_ms_per_token = {};
  std::vector<RecordedPoint> vram_gb = {};  ///< in use on the device, others included
  /// `layers` counts the blocks whose experts lie on the device, everything else being there.
  bool by_experts = false;
  int fails_from = 0;   ///< from so many on the device runs out of memory while loading; 0 = never
  int spills_from = 0;  ///< from so many on the rows are of a device that pages to the host
};

struct Parts {
  std::string name = "pretended";
  Model model;
  Processor processor;
  Accelerator device;
  Disturbance disturbance;
  Recording recorded = {};
};

}  // namespace sweetspot::fake
