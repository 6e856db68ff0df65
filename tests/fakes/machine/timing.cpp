// What a config's passes cost: the time half of Machine.
//
// A pass reads every weight it needs once and computes with it; each side takes the longer of the
// two (the roofline model, Williams, Waterman and Patterson 2009). Sides work one after the other.
#include <algorithm>
#include <cmath>

#include "machine/machine.hpp"
#include "machine/pass_load.hpp"
#include "machine/placing.hpp"
#include "machine/processor_speed.hpp"
#include "machine/recorded_curve.hpp"

namespace sweetspot::fake {
namespace {

constexpr double kFlopsPerMsOfTflops = 1e9;
constexpr double kMsPerUs = 1e-3;
constexpr double kFewestTokensToCopyWeights = 32;  // GGML_OP_OFFLOAD_MIN_BATCH's default
constexpr double kAttentionEfficiency = 0.5;       // of the compute that matrix products reach

/// Share of the experts that `tokens` tokens choose, each independently.
double experts_touched(const Model& model, double tokens) {
  if (model.n_expert <= 0) return 1;
  const double used = static_cast<double>(model.n_expert_used) / model.n_expert;
  return 1 - std::pow(1 - used, tokens);
}

/// Multiplications and additions of `tokens` tokens: two for each weight that is active.
double flops_of(const Model& model, const SideLoad& side, double tokens) {
  const double used =
      model.n_expert > 0 ? static_cast<double>(model.n_expert_used) / model.n_expert : 1;
  return 2 * tokens * (side.dense_bytes + used * side.expert_bytes) * 8 / model.bits_per_weight;
}

double bytes_read(const Model& model, const SideLoad& side, double tokens) {
  return side.dense_bytes + experts_touched(model, tokens) * side.expert_bytes;
}

/// Scores and values of `tokens` tokens over `depth` cells in each block.
double attention_flops(const Model& model, const SideLoad& side, double tokens, double depth) {
  return 4 * tokens * depth * model.n_embd * side.cached_blocks;
}

double crossing_ms(const Accelerator& device, double bytes) {
  return device.link_latency_us * kMsPerUs + bytes / (device.link_gb_s * kBytesPerMsOfGb);
}

/// Share of the device's compute that a batch of `tokens` reaches. A few tokens take kernels of
/// their own, which reading the weights bounds, not computing.
double efficiency(const Accelerator& device, double tokens) {
  constexpr double kFewTokens = 8;
  if (tokens <= kFewTokens) return 1;
  const double rising = tokens / (tokens + device.half_speed_tokens);
  const double doublings = std::max(0.0, std::log2(tokens / device.best_ubatch));
  return rising * std::max(0.5, 1 - device.decline_per_doubling * doublings);
}

double quirk_share(const Accelerator& device, double share) {
  switch (device.quirk) {
    case Quirk::kink:
      return device.quirk_size * std::max(0.0, share - device.quirk_at) / (1 - device.quirk_at);
    case Quirk::step:
      return share >= device.quirk_at ? device.quirk_size : 0;
    case Quirk::hump: {
      const double distance = (share - device.quirk_at) / 0.15;
      return device.quirk_size * std::exp(-distance * distance);
    }
    case Quirk::none:
      break;
  }
  return 0;
}

/// One ubatch of one config: what depends on the config is worked out once.
class Pass {
 public:
  Pass(const Parts& parts, const PassLoad& load, const ProcessorSpeed& cpu, double attention,
       bool copies_host_weights)
      : parts_(parts),
        load_(load),
        cpu_(cpu),
        attention_(attention),
        copies_host_weights_(copies_host_weights) {}

  /// `caches`: of as many sequences, which share the tokens out; each is read.
  [[nodiscard]] Cost cost(double tokens, double depth, double caches = 1) const {
    Cost cost;
    const bool copies =
        copies_host_weights_ && load_.host.blocks > 0 && tokens >= kFewestTokensToCopyWeights;
    add_host(tokens, depth * caches, depth, copies, cost);
    add_device(tokens, depth * caches, depth, copies, cost);
    add_link(tokens, copies, cost);
    return cost;
  }

 private:
  void add_host(double tokens, double cells, double depth, bool copies, Cost& cost) const {
    const SideLoad& side = load_.host;
    const Model& model = parts_.model;
    if (!copies) {
      cost.host_ms += std::max(bytes_read(model, side, tokens) / cpu_.bytes_per_ms,
                               flops_of(model, side, tokens) / cpu_.flops_per_ms);
    }
    cost.host_ms += side.blocks * parts_.processor.block_overhead_us * kMsPerUs;
    cost.host_ms += std::max(
        side.cache_bytes_per_token * cells / cpu_.bytes_per_ms,
        attention_flops(model, side, tokens, depth) / (cpu_.flops_per_ms * kAttentionEfficiency));
  }

  void add_device(double tokens, double cells, double depth, bool copies, Cost& cost) const {
    const Accelerator& device = parts_.device;
    const Model& model = parts_.model;
    const double bandwidth = device.bandwidth_gb_s * kBytesPerMsOfGb;
    const double compute = device.tflops * kFlopsPerMsOfTflops * efficiency(device, tokens);
    const SideLoad& side = load_.device;
    double flops = flops_of(model, side, tokens);
    if (copies) flops += flops_of(model, load_.host, tokens);
    cost.device_ms += std::max(bytes_read(model, side, tokens) / bandwidth, flops / compute);
    cost.device_ms += attention_ * std::max(side.cache_bytes_per_token * cells / bandwidth,
                                            attention_flops(model, side, tokens, depth) /
                                                (compute * kAttentionEfficiency));
  }

  void add_link(double tokens, bool copies, Cost& cost) const {
    const Accelerator& device = parts_.device;
    const double activation = tokens * kBytesOfFloat * parts_.model.n_embd;
    const double computed_there = load_.device.blocks + (copies ? load_.host.blocks : 0);
    if (computed_there > 0) cost.link_ms += device.entry_ms;
    cost.link_ms += computed_there * device.block_overhead_us * kMsPerUs;
    cost.link_ms += load_.crossings * crossing_ms(device, activation);
    if (!copies) return;
    const double weights = bytes_read(parts_.model, load_.host, tokens);
    cost.link_ms += weights / (device.link_gb_s * kBytesPerMsOfGb);
    cost.link_ms += 2 * load_.host.blocks * crossing_ms(device, activation);
  }

  const Parts& parts_;
  const PassLoad& load_;
  const ProcessorSpeed& cpu_;
  double attention_;
  bool copies_host_weights_;
};

void add(Cost& sum, const Cost& part) {
  sum.host_ms += part.host_ms;
  sum.device_ms += part.device_ms;
  sum.link_ms += part.link_ms;
}

void scale(Cost& cost, double factor) {
  cost.host_ms *= factor;
  cost.device_ms *= factor;
  cost.link_ms *= factor;
}

int batch_threads(const Config& config, int threads) {
  return config.context.n_threads_batch > 0 ? config.context.n_threads_batch : threads;
}

}  // namespace

bool Machine::uses_flash_attention(const Config& config) const {
  if (config.context.flash_attn == FlashAttention::automatic) return parts_.device.flash_attention;
  return config.context.flash_attn == FlashAttention::on;
}

int Machine::threads(const Config& config) const {
  return config.context.n_threads > 0 ? config.context.n_threads : parts_.processor.physical_cores;
}

double Machine::spill_slowdown(const Config& config) const {
  const Accelerator& device = parts_.device;
  if (device.spill_factor <= 1) return 1;
  const double capacity = static_cast<double>(device_free_bytes());
  const double need = static_cast<double>(device_need(config).first_decode_bytes);
  if (need <= capacity) return 1;
  // Pages move for each pass once a twentieth of the memory is missing; less hurts less.
  const double excess = std::min(1.0, (need - capacity) / (0.05 * capacity));
  return 1 + (device.spill_factor - 1) * (0.3 + 0.7 * excess);
}

Cost Machine::computed_generation(const Config& config, double depth) const {
  const Placed placed = place(parts_.model, config);
  const PassLoad load = load_of(parts_.model, placed);
  const Accelerator& device = parts_.device;
  const double attention =
      uses_flash_attention(config) ? device.attention_on : device.attention_off;
  const ProcessorSpeed cpu = speed_of(parts_.processor, threads(config), Work::generation);
  const double sequences = config.context.n_parallel;
  const bool copies = copies_host_weights(device, config);
  Cost cost = Pass(parts_, load, cpu, attention, copies).cost(sequences, depth, sequences);
  const double everything =
      static_cast<double>(parts_.model.size_bytes()) / (device.bandwidth_gb_s * kBytesPerMsOfGb);
  if (placed.device_blocks > 0) {
    cost.device_ms += everything * quirk_share(device, load.device_share);
  }
  cost.device_ms *= spill_slowdown(config);
  return cost;
}

Cost Machine::generation_cost(const Config& config, double depth) const {
  Cost cost = computed_generation(config, depth);
  const Recording& recorded = parts_.recorded;
  if (recorded.ms_per_token.empty()) return cost;
  const int layers = recorded_layers(parts_, config.placement);
  const Config plain = config_of(parts_, layers);
  scale(cost,
        recorded_at(recorded.ms_per_token, layers) / computed_generation(plain, 0).total_ms());
  return cost;
}

Cost Machine::prompt_cost(const Config& config, std::uint32_t n_prompt, double depth) const {
  Cost cost = computed_prompt(config, n_prompt, depth);
  const Recording& recorded = parts_.recorded;
  const int layers = recorded_layers(parts_, config.placement);
  if (recorded.prompt_ms_per_token.empty()) {
    // Who pages weights for each token pages them for each piece of a prompt, too.
    if (recorded.spills_from > 0 && layers >= recorded.spills_from) {
      scale(cost, std::max(1.0, recorded_at(recorded.ms_per_token, layers) /
                                    recorded_at(recorded.ms_per_token, recorded.spills_from - 1)));
    }
    return cost;
  }
  constexpr std::uint32_t kUsualPrompt = 512;
  const Config plain = config_of(parts_, layers);
  scale(cost, kUsualPrompt * recorded_at(recorded.prompt_ms_per_token, layers) /
                  computed_prompt(plain, kUsualPrompt, 0).total_ms());
  return cost;
}

Cost Machine::computed_prompt(const Config& config, std::uint32_t n_prompt, double depth) const {
  const Placed placed = place(parts_.model, config);
  const PassLoad load = load_of(parts_.model, placed);
  const Accelerator& device = parts_.device;
  const double attention =
      uses_flash_attention(config) ? device.attention_on : device.attention_off;
  const int batch = batch_threads(config, threads(config));
  const ProcessorSpeed cpu = speed_of(parts_.processor, batch, Work::prompt);
  const Pass pass(parts_, load, cpu, attention, copies_host_weights(device, config));
  const std::uint32_t ubatch =
      std::max(1U, std::min(config.context.n_ubatch, config.context.n_batch));
  Cost sum;
  for (std::uint32_t done = 0; done < n_prompt; done += ubatch) {
    const double tokens = std::min(ubatch, n_prompt - done);
    add(sum, pass.cost(tokens, depth + done + tokens / 2));
  }
  sum.device_ms *=
      (1 + quirk_share(device, load.device_share) * load.device_share) * spill_slowdown(config);
  return sum;
}

double Machine::load_seconds(const Config& config, bool first) const {
  constexpr double kStartSeconds = 0.4;  // a process, its backends, the header
  const Processor& cpu = parts_.processor;
  const MemoryMap map = memory(config);
  const double host_gb = static_cast<double>(map.front().model_bytes) / 1e9;
  const double device_gb = map.size() < 2 ? 0 : static_cast<double>(map.back().model_bytes) / 1e9;
  const LoadMode mode = config.placement.load_mode;
  const bool direct = mode == LoadMode::direct_io;
  const double read_gb_s = first || direct ? cpu.disk_gb_s : cpu.cached_gb_s;
  const double upload_gb_s = std::min(read_gb_s, 0.7 * parts_.device.link_gb_s);
  double seconds = kStartSeconds + device_gb / upload_gb_s;
  const bool mapped = map.front().mapped_bytes > 0;
  // Mapped pages that are in the page cache cost their table entries only.
  const double map_gb_s = first ? cpu.disk_gb_s : 10 * cpu.cached_gb_s;
  seconds += host_gb / (mapped ? map_gb_s : read_gb_s);
  const bool locked = mode == LoadMode::mlock || mode == LoadMode::mmap_mlock;
  if (locked) seconds += host_gb / cpu.cached_gb_s;
  return seconds;
}

}  // namespace sweetspot::fake
