// Whole configs: the space that a tuner or a TPE searches, and its true best.
#pragma once

#include <cstdint>
#include <vector>

#include "core/config.hpp"
#include "tpe.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

/// Layers, experts kept on the CPU, ubatch, batch, threads, flash attention. Other knobs stay at
/// their defaults.
class ConfigSpace {
 public:
  explicit ConfigSpace(const fake::Machine& machine);

  /// In this order; experts have one value where the model has none.
  [[nodiscard]] std::vector<Dimension> dimensions() const;
  [[nodiscard]] Config config_of(const Point& point) const;

  /// The least true time of the workload of all that is safe and takes at most `percent` of the
  /// device's memory. Milliseconds.
  [[nodiscard]] double best_request_ms(const VramView& vram, const Workload& work,
                                       double percent) const;

 private:
  [[nodiscard]] double best_of_placement(const VramView& vram, const Workload& work, double percent,
                                         const Placement& placement) const;

  const fake::Machine& machine_;
  std::vector<std::uint32_t> ubatches_ = {64, 128, 256, 512, 1024, 2048};
  std::vector<std::uint32_t> batches_ = {512, 1024, 2048, 4096};
  std::vector<int> threads_;
};

}  // namespace sweetspot::simulation
