#include "machine/processor_speed.hpp"

#include <algorithm>
#include <cmath>

namespace sweetspot::fake {
namespace {

constexpr double kSaturation = 2.5;
constexpr double kFlopsPerMsOfGflops = 1e6;

/// Fast cores' worth of work that `threads` threads on cores of their own do: half of it is split
/// evenly and waits for the slowest, half goes to whoever is free.
double cores_worth(const Processor& cpu, int threads) {
  const double all = threads;
  const double fast = std::min(threads, cpu.fast_cores);
  if (all <= fast) return all;
  const double shared = fast + (all - fast) * cpu.slow_core_speed;
  const double waiting = all * cpu.slow_core_speed;
  return (shared + waiting) / 2;
}

/// What threads beyond the physical cores change, relative.
double beyond_cores(const Processor& cpu, int threads, Work work) {
  if (threads <= cpu.physical_cores) return 1;
  const double change = work == Work::prompt ? cpu.second_thread_gain : -cpu.second_thread_loss;
  const double extra = cpu.logical_cores - cpu.physical_cores;
  const double share = extra <= 0 ? 0 : std::min(1.0, (threads - cpu.physical_cores) / extra);
  const double here = 1 + change * share;
  if (threads <= cpu.logical_cores) return here;
  const double slices = static_cast<double>(cpu.logical_cores) / threads;
  return here * 0.5 * slices * slices;
}

}  // namespace

ProcessorSpeed speed_of(const Processor& cpu, int threads, Work work) {
  const int asked = std::max(threads, 1);
  const double cores = cores_worth(cpu, std::min(asked, cpu.physical_cores));
  const double beyond = beyond_cores(cpu, asked, work);
  const double curve =
      (1 - std::exp(-kSaturation * cores / cpu.saturating_threads)) / (1 - std::exp(-kSaturation));
  return {cpu.bandwidth_gb_s * std::min(1.0, curve) * beyond * kBytesPerMsOfGb,
          cpu.gflops_per_core * cores * beyond * kFlopsPerMsOfGflops};
}

}  // namespace sweetspot::fake
