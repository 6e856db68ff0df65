#include "config_space.hpp"

#include <algorithm>
#include <limits>

#include "truth.hpp"

namespace sweetspot::simulation {
namespace {

enum Axis : std::size_t { layers, experts, ubatch, batch, threads, flash };

}  // namespace

ConfigSpace::ConfigSpace(const fake::Machine& machine) : machine_(machine) {
  const fake::Processor& cpu = machine.parts().processor;
  const int cores = cpu.physical_cores;
  threads_ = {1,     std::max(1, cores / 4), cores / 2,        std::max(1, cores * 3 / 4),
              cores, cpu.fast_cores,         cpu.logical_cores};
  std::sort(threads_.begin(), threads_.end());
  threads_.erase(std::unique(threads_.begin(), threads_.end()), threads_.end());
}

std::vector<Dimension> ConfigSpace::dimensions() const {
  const std::size_t counts = machine_.model().blocks.size() + 1;
  const bool has_experts = machine_.model().n_expert > 0;
  return {{counts + 1, true},      {has_experts ? counts : 1, true}, {ubatches_.size(), true},
          {batches_.size(), true}, {threads_.size(), true},          {2, false}};
}

Config ConfigSpace::config_of(const Point& point) const {
  Config config;
  config.placement.n_gpu_layers = static_cast<int>(point[Axis::layers]);
  config.placement.n_cpu_moe = static_cast<int>(point[Axis::experts]);
  config.context.n_ubatch = ubatches_[point[Axis::ubatch]];
  config.context.n_batch = batches_[point[Axis::batch]];
  config.context.n_threads = threads_[point[Axis::threads]];
  config.context.flash_attn = point[Axis::flash] == 1 ? FlashAttention::on : FlashAttention::off;
  return config;
}

// A batch is cut into ubatches, so batches larger than the ubatch change nothing here.
double ConfigSpace::best_of_placement(const VramView& vram, const Workload& work, double percent,
                                      const Placement& placement) const {
  double least = std::numeric_limits<double>::infinity();
  for (const FlashAttention attention : {FlashAttention::on, FlashAttention::off}) {
    for (const std::uint32_t size : ubatches_) {
      Config config{placement, {}};
      config.context.flash_attn = attention;
      config.context.n_ubatch = size;
      if (!machine_.is_safe(config) || vram.visible_percent(config) > percent) break;
      for (const int count : threads_) {
        config.context.n_threads = count;
        least = std::min(least, true_request_ms(machine_, config, work));
      }
    }
  }
  return least;
}

double ConfigSpace::best_request_ms(const VramView& vram, const Workload& work,
                                    double percent) const {
  const int blocks = static_cast<int>(machine_.model().blocks.size());
  double least = std::numeric_limits<double>::infinity();
  for (int count = 0; count <= machine_.offloadable(); ++count) {
    Placement placement;
    placement.n_gpu_layers = count;
    least = std::min(least, best_of_placement(vram, work, percent, placement));
    if (machine_.model().n_expert == 0) continue;
    // Fewer blocks than lie on the CPU anyway change nothing.
    const int on_cpu = blocks - std::max(0, count - 1);
    for (placement.n_cpu_moe = on_cpu + 1; placement.n_cpu_moe <= blocks; ++placement.n_cpu_moe) {
      least = std::min(least, best_of_placement(vram, work, percent, placement));
    }
  }
  return least;
}

}  // namespace sweetspot::simulation
