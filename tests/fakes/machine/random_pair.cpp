#include "machine/random_pair.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "machine/dice.hpp"

namespace sweetspot::fake {
namespace {

// ---- the processor
// ---------------------------------------------------------------------------------

Processor draw_processor(Dice& dice) {
  Processor cpu;
  cpu.physical_cores = dice.one_of<int>({4, 6, 8, 8, 12, 16, 16, 24, 32});
  cpu.logical_cores = dice.chance(0.7) ? 2 * cpu.physical_cores : cpu.physical_cores;
  const bool mixed = cpu.physical_cores >= 8 && dice.chance(0.3);
  cpu.fast_cores = mixed ? cpu.physical_cores / 2 : cpu.physical_cores;
  cpu.slow_core_speed = dice.between(0.4, 0.7);
  // Two channels of DDR4 or DDR5; servers and workstations have more.
  const double widest = cpu.physical_cores >= 16 && dice.chance(0.4) ? 250 : 90;
  cpu.bandwidth_gb_s = dice.between_log(22, widest);
  cpu.saturating_threads = dice.between(0.4, 1.1) * cpu.physical_cores;
  cpu.gflops_per_core = dice.between_log(25, 120);
  cpu.second_thread_gain = dice.between(-0.05, 0.1);
  cpu.second_thread_loss = dice.between(0, 0.15);
  cpu.block_overhead_us = dice.between_log(5, 60);
  cpu.disk_gb_s = dice.between_log(0.4, 6);
  cpu.cached_gb_s = dice.between_log(3, 12);
  return cpu;
}

// ---- the device
// ------------------------------------------------------------------------------------

struct DeviceClass {
  const char* name;
  double memory_low_gb, memory_high_gb;
  double bandwidth_low, bandwidth_high;
  double tflops_low, tflops_high;
  double link_low, link_high;
  double latency_low_us, latency_high_us;
  double overhead_low_us, overhead_high_us;
};

constexpr DeviceClass kLaptop = {"laptop", 4, 8, 110, 300, 5, 25, 5, 14, 10, 40, 25, 120};
constexpr DeviceClass kDesktop = {"desktop", 8, 24, 220, 1000, 12, 90, 6, 26, 8, 30, 15, 80};
constexpr DeviceClass kServer = {"server", 40, 80, 800, 3300, 80, 350, 12, 55, 6, 20, 12, 50};
constexpr DeviceClass kIntegrated = {"integrated", 2, 48, 22, 110, 0.8, 9, 10, 40, 10, 60, 40, 250};
constexpr DeviceClass kRemote = {"remote", 6, 24, 30, 900, 1, 60, 0.1, 2.5, 60, 500, 30, 150};

void draw_memory(Dice& dice, const DeviceClass& kind, Accelerator& device) {
  device.memory_total_gb = std::round(dice.between_log(kind.memory_low_gb, kind.memory_high_gb));
  device.memory_used_gb =
      dice.chance(0.4) ? 0.1 : dice.between(0.01, 0.15) * device.memory_total_gb;
  device.driver_share_mb = dice.between(80, 600);
  device.pool_kb_per_ubatch_token = dice.between(0, 250);
  if (dice.chance(0.15)) device.spill_factor = dice.between(4, 10);
}

void draw_speed(Dice& dice, const DeviceClass& kind, Accelerator& device) {
  device.bandwidth_gb_s = dice.between_log(kind.bandwidth_low, kind.bandwidth_high) * 0.75;
  device.tflops = dice.between_log(kind.tflops_low, kind.tflops_high);
  device.half_speed_tokens = dice.between_log(20, 250);
  device.best_ubatch = dice.one_of<double>({512, 1024, 2048, 4096});
  device.decline_per_doubling = dice.between(0, 0.06);
  device.block_overhead_us = dice.between_log(kind.overhead_low_us, kind.overhead_high_us);
  device.entry_ms = dice.between_log(0.02, 0.6);
  device.link_gb_s = dice.between_log(kind.link_low, kind.link_high);
  device.link_latency_us = dice.between_log(kind.latency_low_us, kind.latency_high_us);
  device.flash_attention = dice.chance(0.9);
  device.attention_on = device.flash_attention ? dice.between(1, 1.6) : dice.between(2, 6);
  device.attention_off = dice.chance(0.85) ? dice.between(1.1, 2.5) : dice.between(0.75, 1.0);
}

void draw_quirk(Dice& dice, const Wish& wish, Accelerator& device) {
  const bool drawn = dice.chance(0.2);
  const Quirk kind = dice.one_of<Quirk>({Quirk::kink, Quirk::step, Quirk::hump});
  device.quirk_at = dice.between(0.25, 0.8);
  device.quirk_size = dice.between(0.1, 1.0);
  if (wish.linear ? !*wish.linear : drawn) device.quirk = kind;
}

Accelerator draw_device(Dice& dice, const Wish& wish, Processor& cpu, std::string& name) {
  const double which = dice.uniform();
  const DeviceClass& kind = which < 0.32   ? kLaptop
                            : which < 0.66 ? kDesktop
                            : which < 0.78 ? kServer
                            : which < 0.89 ? kIntegrated
                                           : kRemote;
  name = kind.name;
  Accelerator device;
  draw_memory(dice, kind, device);
  draw_speed(dice, kind, device);
  draw_quirk(dice, wish, device);
  device.computes_host_weights = &kind != &kRemote && dice.chance(0.85);
  if (&kind == &kIntegrated) {
    // The same memory, read a little better or worse than the processor does.
    device.integrated = true;
    device.bandwidth_gb_s = cpu.bandwidth_gb_s * dice.between(0.6, 1.3);
    device.spill_factor = 0;
  }
  if (&kind == &kRemote) device.id = "RPC0";
  return device;
}

// ---- the model
// -------------------------------------------------------------------------------------

struct Shape {
  const char* name;
  int blocks, n_embd, n_ff, n_head, n_head_kv, n_vocab;
  int n_expert, n_expert_used;
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> kShapes = {
      {"1b", 22, 2048, 5632, 32, 4, 32000, 0, 0},
      {"3b", 28, 3072, 8192, 24, 8, 128256, 0, 0},
      {"7b", 32, 4096, 14336, 32, 8, 32000, 0, 0},
      {"8b", 36, 4096, 12288, 32, 8, 151936, 0, 0},
      {"12b", 48, 3840, 15360, 16, 8, 262208, 0, 0},
      {"13b", 40, 5120, 13824, 40, 40, 32000, 0, 0},
      {"32b", 64, 5120, 27648, 40, 8, 152064, 0, 0},
      {"70b", 80, 8192, 28672, 64, 8, 32000, 0, 0},
      {"405b", 126, 16384, 53248, 128, 8, 128256, 0, 0},
      {"47b-moe", 32, 4096, 14336, 32, 8, 32000, 8, 2},
      {"30b-moe", 48, 2048, 768, 32, 4, 151936, 128, 8},
      {"20b-moe", 24, 2880, 2880, 64, 8, 201088, 32, 4},
      {"120b-moe", 36, 2880, 2880, 64, 8, 201088, 128, 4},
      {"235b-moe", 94, 4096, 1536, 64, 4, 151936, 128, 8},
  };
  return kShapes;
}

double ffn_weights(const Shape& shape) {
  return 3.0 * shape.n_embd * shape.n_ff * std::max(shape.n_expert, 1);
}

double attention_weights(const Shape& shape) {
  const double kv_width = static_cast<double>(shape.n_embd) * shape.n_head_kv / shape.n_head;
  return 2.0 * shape.n_embd * shape.n_embd + 2.0 * shape.n_embd * kv_width;
}

double total_weights(const Shape& shape) {
  return shape.blocks * (ffn_weights(shape) + attention_weights(shape)) +
         2.0 * shape.n_embd * shape.n_vocab;
}

std::uint64_t stored(double weights, double bits) {
  return static_cast<std::uint64_t>(weights * bits / 8);
}

Block make_block(const Shape& shape, double bits) {
  Block block;
  const std::uint64_t ffn = stored(ffn_weights(shape), bits);
  block.bytes = ffn + stored(attention_weights(shape), bits);
  (shape.n_expert > 0 ? block.expert_bytes : block.ffn_bytes) = ffn;
  const double kv_width = static_cast<double>(shape.n_embd) * shape.n_head_kv / shape.n_head;
  block.kv_bytes_per_token = static_cast<std::uint64_t>(2 * 2 * kv_width);
  return block;
}

void scale(Block& block, double factor) {
  const auto scaled = [factor](std::uint64_t bytes) {
    return static_cast<std::uint64_t>(static_cast<double>(bytes) * factor);
  };
  block.ffn_bytes = scaled(block.ffn_bytes);
  block.expert_bytes = scaled(block.expert_bytes);
  block.bytes = std::max(scaled(block.bytes), block.ffn_bytes + block.expert_bytes);
}

// Hybrids have attention in every third or fourth block only, and blocks of two sizes; mixed
// quantisation makes the first and last eighth of the blocks larger, as the K types do.
void make_uneven(Dice& dice, Model& model) {
  const double drawn = dice.uniform();
  const std::size_t count = model.blocks.size();
  if (drawn < 0.12) {
    model.hybrid = true;
    const auto every = static_cast<std::size_t>(dice.whole(3, 4));
    const double factor = dice.between(0.6, 1.4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i % every == every - 1) continue;
      scale(model.blocks[i], factor);
      model.blocks[i].kv_bytes_per_token = 0;
    }
  } else if (drawn < 0.6) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i < count / 8 || i >= 7 * count / 8 || i % 3 == 2) scale(model.blocks[i], 1.13);
    }
  } else if (drawn < 0.65) {
    for (Block& block : model.blocks) scale(block, dice.between(0.6, 1.5));
  }
}

Model draw_model(Dice& dice, double device_gb) {
  Shape shape = {};
  double bits = 0;
  // A model that is neither tiny nor hopeless on this device.
  for (int tries = 0; tries < 200; ++tries) {
    shape = dice.one_of(shapes());
    bits = dice.one_of<double>({3.4, 4.3, 4.85, 4.85, 4.85, 5.6, 6.6, 8.5});
    const double share = total_weights(shape) * bits / 8 / kGb / device_gb;
    if (share > 0.2 && share < (shape.n_expert > 0 ? 6 : 4)) break;
  }
  Model model;
  model.name = shape.name;
  model.architecture = shape.n_expert > 0 ? "qwen3moe" : "llama";
  model.bits_per_weight = bits;
  model.n_embd = shape.n_embd;
  model.n_head = shape.n_head;
  model.n_head_kv = shape.n_head_kv;
  model.n_ff = shape.n_ff;
  model.n_vocab = shape.n_vocab;
  model.n_expert = shape.n_expert;
  model.n_expert_used = shape.n_expert_used;
  model.blocks.assign(static_cast<std::size_t>(shape.blocks), make_block(shape, bits));
  const double rows = static_cast<double>(shape.n_embd) * shape.n_vocab;
  model.output_bytes = stored(rows, std::max(bits, 6.6));
  model.embedding_bytes = stored(rows, bits);
  make_uneven(dice, model);
  return model;
}

// ---- what disturbs
// ---------------------------------------------------------------------------------

Disturbance draw_disturbance(Dice& dice) {
  Disturbance d;
  d.sample = dice.between_log(0.003, 0.03);
  d.stall_probability = dice.chance(0.5) ? dice.between(0.001, 0.02) : 0;
  d.load_offset = dice.between(0, 0.015);
  d.drift = dice.chance(0.4) ? dice.between(0, 0.012) : 0;
  d.drift_period_seconds = dice.between_log(60, 1800);
  d.ramp = dice.between(0, 0.7);
  if (dice.chance(0.15)) {
    d.throttle_after_seconds = dice.between(30, 400);
    d.throttle_slowdown = dice.between(1.15, 1.35);
    d.cooling_seconds = dice.between_log(15, 180);
  }
  if (dice.chance(0.15)) {
    d.neighbour_after_seconds = dice.between(20, 400);
    d.neighbour_seconds = dice.between(10, 90);
    d.neighbour_share = dice.between(0.1, 0.5);
  }
  return d;
}

}  // namespace

Parts random_pair(std::uint64_t seed, const Wish& wish) {
  Dice dice(seed * 2 + 1);
  Parts parts;
  parts.processor = draw_processor(dice);
  parts.device = draw_device(dice, wish, parts.processor, parts.name);
  parts.model = draw_model(dice, parts.device.memory_total_gb);
  parts.disturbance = draw_disturbance(dice);
  // Whoever has such a model has the memory to hold it.
  const double need_gb = 1.3 * static_cast<double>(parts.model.size_bytes()) / kGb + 8;
  double memory_gb = 16;
  while (memory_gb < need_gb) memory_gb *= 2;
  parts.processor.memory_total_gb = memory_gb;
  return parts;
}

}  // namespace sweetspot::fake
