// What a config takes: the memory half of Machine.
#include <algorithm>
#include <cmath>

#include "core/no_device.hpp"
#include "machine/machine.hpp"
#include "machine/placing.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

constexpr double kMb = 1e6;

std::uint64_t whole_bytes(double bytes) {
  return static_cast<std::uint64_t>(std::max(0.0, std::round(bytes)));
}

double padded_context(const Config& config) { return rounded_context(config.context.n_ctx); }

double ubatch(const Config& config) {
  return std::min(config.context.n_ubatch, config.context.n_batch);
}

/// What grows with the first batch, in nobody's breakdown.
double driver_pool_bytes(const Accelerator& device, const Config& config) {
  return ubatch(config) * device.pool_kb_per_ubatch_token * 1e3;
}

/// Activations of one block and of its attention; the factors are those that made the buffers of
/// a 7B and a 30B header come out within a fifth of what llama.cpp reserves.
double block_compute_bytes(const Model& model, const Config& config, bool flash) {
  const double active_ff = model.n_expert > 0 ? model.n_ff * model.n_expert_used : model.n_ff;
  const double activations = kBytesOfFloat * (3 * active_ff + 4.0 * model.n_embd);
  const double scores = flash ? 0 : kBytesOfFloat * padded_context(config) * model.n_head;
  const double mask = 2 * padded_context(config);
  return ubatch(config) * (std::max(activations, scores) + mask);
}

double output_compute_bytes(const Model& model, const Config& config) {
  return ubatch(config) * kBytesOfFloat * (model.n_vocab + 2.0 * model.n_embd);
}

}  // namespace

std::uint32_t rounded_context(std::uint32_t n_ctx) {
  constexpr std::uint32_t kContextStep = 256;
  return (n_ctx + kContextStep - 1) / kContextStep * kContextStep;
}

MemoryMap Machine::memory(const Config& config) const {
  const Model& model = parts_.model;
  const Placed placed = place(model, config);
  DeviceMemory host{kHostDeviceId, model.embedding_bytes, 0, 0, 0};
  DeviceMemory device{parts_.device.id, 0, 0, 0, 0};
  (placed.output_on_device ? device : host).model_bytes += model.output_bytes;
  const double cells = padded_context(config);
  double host_cache = 0;
  double device_cache = 0;
  bool host_computes = !placed.uses_device();
  for (const PlacedBlock& block : placed.blocks) {
    host.model_bytes += block.host_bytes;
    device.model_bytes += block.device_bytes;
    (block.cache_on_device ? device_cache : host_cache) += block.cache_bytes_per_token * cells;
    host_computes = host_computes || block.host_bytes > 0;
  }
  host.context_bytes = whole_bytes(host_cache);
  device.context_bytes = whole_bytes(device_cache);
  const double of_block = block_compute_bytes(model, config, uses_flash_attention(config));
  const double of_output = output_compute_bytes(model, config);
  const double tokens_in = ubatch(config) * kBytesOfFloat * model.n_embd;
  host.compute_bytes = whole_bytes(
      tokens_in +
      (host_computes ? std::max(of_block, placed.output_on_device ? 0 : of_output) : 0));
  if (placed.uses_device() || copies_host_weights(parts_.device, config)) {
    device.compute_bytes =
        whole_bytes(std::max(of_block, placed.output_on_device ? of_output : 0.0));
  }
  const bool mapped = config.placement.load_mode == LoadMode::automatic ||
                      config.placement.load_mode == LoadMode::mmap ||
                      config.placement.load_mode == LoadMode::mmap_mlock;
  host.mapped_bytes = mapped ? host.model_bytes : 0;
  if (uses_no_device(config.placement)) return {host};
  if (!parts_.recorded.vram_gb.empty()) {
    // The recording knows the sum only; what is not cache, compute buffer or the driver's was
    // weights.
    const Accelerator& card = parts_.device;
    const int layers = recorded_layers(parts_, config.placement);
    const double recorded =
        (recorded_at(parts_.recorded.vram_gb, layers) - card.memory_used_gb) * kGb -
        (layers > 0 ? card.driver_share_mb * kMb + driver_pool_bytes(card, config) : 0);
    const double others =
        static_cast<double>(device.context_bytes) + static_cast<double>(device.compute_bytes);
    device.model_bytes = whole_bytes(std::max(0.0, recorded - others));
  }
  return {host, device};
}

std::uint64_t Machine::device_total_bytes() const {
  return whole_bytes(parts_.device.memory_total_gb * kGb);
}

std::uint64_t Machine::device_free_bytes() const {
  return whole_bytes((parts_.device.memory_total_gb - parts_.device.memory_used_gb) * kGb);
}

DeviceNeed Machine::device_need(const Config& config) const {
  const MemoryMap map = memory(config);
  DeviceNeed need;
  if (offloaded_bytes(map) == 0) return need;
  const DeviceMemory& device = map.back();
  const auto share = whole_bytes(parts_.device.driver_share_mb * kMb);
  need.load_bytes = device.model_bytes + share;
  need.context_bytes = need.load_bytes + device.context_bytes + device.compute_bytes;
  need.first_decode_bytes =
      need.context_bytes + whole_bytes(driver_pool_bytes(parts_.device, config));
  return need;
}

double Machine::vram_percent(const Config& config) const {
  if (uses_no_device(config.placement)) return 0;
  const double used = parts_.device.memory_used_gb * kGb +
                      static_cast<double>(device_need(config).first_decode_bytes);
  return 100 * used / (parts_.device.memory_total_gb * kGb);
}

std::vector<Device> Machine::devices() const {
  const Accelerator& a = parts_.device;
  const Processor& cpu = parts_.processor;
  Device device{a.id,
                "pretended " + parts_.name,
                a.backend,
                a.integrated ? DeviceType::igpu : DeviceType::gpu,
                Absence{"not on a bus"},
                device_total_bytes(),
                device_free_bytes()};
  Device host{kHostDeviceId,
              "pretended processor",
              "CPU",
              DeviceType::cpu,
              Absence{"not on a bus"},
              whole_bytes(cpu.memory_total_gb * kGb),
              whole_bytes((cpu.memory_total_gb - cpu.memory_used_gb) * kGb)};
  return {device, host};
}

}  // namespace sweetspot::fake
