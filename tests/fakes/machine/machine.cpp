#include "machine/machine.hpp"

#include <utility>

#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

Failure failed(FailureClass failure_class, Phase phase, std::string message) {
  return {failure_class, phase, std::move(message), std::nullopt, ""};
}

bool is_quantized(const std::string& type) {
  return type != "f32" && type != "f16" && type != "bf16";
}

}  // namespace

std::uint64_t Model::size_bytes() const {
  std::uint64_t sum = output_bytes + embedding_bytes;
  for (const Block& block : blocks) sum += block.bytes;
  return sum;
}

ModelInfo info_of(const Model& model) {
  ModelInfo info;
  info.architecture = model.architecture;
  info.name = model.name;
  info.quantization = "Q4_K - Medium";
  info.n_layer = static_cast<int>(model.blocks.size());
  info.n_ctx_train = model.n_ctx_train;
  info.n_embd = model.n_embd;
  info.n_head = model.n_head;
  info.n_head_kv = model.n_head_kv;
  info.n_ff = model.n_ff;
  info.n_vocab = model.n_vocab;
  info.n_expert = model.n_expert;
  info.n_expert_used = model.n_expert_used;
  info.hybrid = model.hybrid;
  for (int i = 0; i < info.n_layer; ++i) {
    const Block& block = model.blocks[static_cast<std::size_t>(i)];
    info.layers.push_back({i, block.bytes, block.expert_bytes});
  }
  info.non_layer_bytes = model.output_bytes + model.embedding_bytes;
  info.size_bytes = model.size_bytes();
  info.n_params =
      static_cast<std::uint64_t>(static_cast<double>(info.size_bytes) * 8 / model.bits_per_weight);
  info.fingerprint = "pretended-" + model.name;
  return info;
}

Machine::Machine(Parts parts) : parts_(std::move(parts)) {}

std::optional<Failure> Machine::failure(const Config& config) const {
  if (is_quantized(config.context.type_v) && !uses_flash_attention(config)) {
    return failed(FailureClass::config_rejected, Phase::context,
                  "quantized V cache requires flash_attn");
  }
  const DeviceMemory host = memory(config).front();
  const double host_gb = static_cast<double>(host.total_bytes()) / 1e9;
  const Processor& cpu = parts_.processor;
  if (host_gb > cpu.memory_total_gb - cpu.memory_used_gb) {
    return failed(FailureClass::out_of_host_memory, Phase::load, "the host's memory is too small");
  }
  const int fails_from = parts_.recorded.fails_from;
  if (fails_from > 0 && recorded_layers(parts_, config.placement) >= fails_from) {
    return failed(FailureClass::out_of_device_memory, Phase::load,
                  "the device's memory is too small");
  }
  if (parts_.device.spill_factor > 1) return std::nullopt;
  const DeviceNeed need = device_need(config);
  const std::uint64_t free = device_free_bytes();
  const auto full = [&](Phase phase) {
    return failed(FailureClass::out_of_device_memory, phase, "the device's memory is too small");
  };
  if (need.load_bytes > free) return full(Phase::load);
  if (need.context_bytes > free) return full(Phase::context);
  if (need.first_decode_bytes > free) return full(Phase::warm_up);
  return std::nullopt;
}

bool Machine::is_safe(const Config& config) const {
  const int spills_from = parts_.recorded.spills_from;
  if (spills_from > 0 && recorded_layers(parts_, config.placement) >= spills_from) return false;
  return !failure(config) && device_need(config).first_decode_bytes <= device_free_bytes();
}

}  // namespace sweetspot::fake
