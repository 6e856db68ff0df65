#include "best_config.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "core/no_device.hpp"
#include "truth.hpp"

namespace sweetspot::simulation {
namespace {

constexpr std::uint32_t kUbatches[] = {64, 128, 256, 512, 1024, 2048};
constexpr int kGridSteps = 12;

class Search {
 public:
  Search(const fake::Machine& machine, const VramView& vram, const Workload& work,
         const Config& base, double percent)
      : machine_(machine), vram_(vram), work_(work), base_(base), percent_(percent) {
    const fake::Processor& cpu = machine.parts().processor;
    std::set<int> threads = {cpu.physical_cores, cpu.fast_cores, cpu.logical_cores};
    for (int n = 1; n < cpu.physical_cores; n *= 2) threads.insert(n);
    for (int n = cpu.physical_cores; n >= 1; n /= 2) threads.insert(n);
    threads.insert(cpu.physical_cores * 3 / 4);
    threads.erase(0);
    threads_.assign(threads.begin(), threads.end());
    best_.request_ms = std::numeric_limits<double>::infinity();
  }

  BestConfig run() {
    const int all = machine_.offloadable();
    const int blocks = all - 1;
    try_placement(cpu_alone(base_.placement));
    for (int layers = 0; layers <= all; ++layers) try_placement(layers, 0);
    for (int kept = 1; kept <= blocks; ++kept) try_placement(all, kept);
    const int step = std::max(1, blocks / kGridSteps);
    std::pair<int, int> place = {all, blocks};
    double least = std::numeric_limits<double>::infinity();
    for (int layers = 2; layers < all; layers += step) {
      for (int kept = blocks - layers + 2; kept <= blocks; kept += step) {
        const double ms = try_placement(layers, kept);
        if (ms >= least) continue;
        least = ms;
        place = {layers, kept};
      }
    }
    refine(place, step);
    return best_;
  }

 private:
  void refine(std::pair<int, int> place, int step) {
    for (int layers = place.first - step; layers <= place.first + step; ++layers) {
      for (int kept = place.second - step; kept <= place.second + step; ++kept) {
        const bool inside = layers > 1 && layers <= machine_.offloadable() && kept > 0 &&
                            kept < machine_.offloadable();
        if (inside) try_placement(layers, kept);
      }
    }
  }

  double try_placement(int layers, int kept) {
    Placement placement = base_.placement;
    placement.n_gpu_layers = layers;
    const bool experts = machine_.model().n_expert > 0;
    (experts ? placement.n_cpu_moe : placement.n_cpu_ffn) = kept;
    return try_placement(placement);
  }

  double try_placement(const Placement& placement) {
    Config config = base_;
    config.placement = placement;
    double least = std::numeric_limits<double>::infinity();
    for (const FlashAttention attention : {FlashAttention::on, FlashAttention::off}) {
      for (const bool on_device : {true, false}) {
        if (!on_device && placement.n_gpu_layers < 2) continue;
        config.context.flash_attn = attention;
        config.context.kv_offload = on_device;
        least = std::min(least, try_contexts(config));
      }
    }
    return least;
  }

  // Generation does not depend on the ubatch, so its best threads are looked for once.
  double try_contexts(Config config) {
    double least = std::numeric_limits<double>::infinity();
    double generation_ms = -1;
    for (const std::uint32_t ubatch : kUbatches) {
      config.context.n_ubatch = ubatch;
      config.context.n_batch = std::max(base_.context.n_batch, ubatch);
      if (!machine_.is_safe(config) || vram_.visible_percent(config) > percent_) break;
      if (generation_ms < 0) generation_ms = best_generation(config);
      const double ms = best_prompt(config) + generation_ms;
      least = std::min(least, ms);
      if (ms < best_.request_ms) best_ = {config, ms};
    }
    return least;
  }

  double best_generation(Config& config) const {
    double least = std::numeric_limits<double>::infinity();
    int chosen = 0;
    for (const int count : threads_) {
      config.context.n_threads = count;
      const double ms = true_ms_behind_prompt(machine_, config, work_);
      if (ms >= least) continue;
      least = ms;
      chosen = count;
    }
    config.context.n_threads = chosen;
    return work_.n_gen * least;
  }

  double best_prompt(Config& config) const {
    if (work_.n_prompt == 0) return 0;
    double least = std::numeric_limits<double>::infinity();
    int chosen = 0;
    for (const int count : threads_) {
      config.context.n_threads_batch = count;
      const double ms = machine_.prompt_cost(config, work_.n_prompt, work_.n_depth).total_ms();
      if (ms >= least) continue;
      least = ms;
      chosen = count;
    }
    config.context.n_threads_batch = chosen;
    return least;
  }

  const fake::Machine& machine_;
  const VramView& vram_;
  const Workload& work_;
  const Config& base_;
  double percent_;
  std::vector<int> threads_;
  BestConfig best_;
};

}  // namespace

BestConfig best_config(const fake::Machine& machine, const VramView& vram, const Workload& work,
                       const Config& base, double percent) {
  return Search(machine, vram, work, base, percent).run();
}

}  // namespace sweetspot::simulation
