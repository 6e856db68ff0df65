// One slice in one place: a worker that holds it, and what it measures. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>

#include "core/error.hpp"
#include "engine/worker.hpp"
#include "profiler/slices.hpp"

namespace sweetspot::profiler {

enum class SlicePlace { cpu, device, mixed };

/// Whether the device of `job` is reached over RPC. A server serves one client at a time, so a
/// worker that holds its device keeps all others out.
bool is_over_rpc(const SliceJob& job);

/// Move only; `job` must outlive it.
class SliceSeat {
 public:
  SliceSeat(const SliceJob& job, search::SliceSize size, SlicePlace place, int layers)
      : job_(&job), size_(size), place_(place), layers_(layers) {}

  [[nodiscard]] SlicePlace place() const { return place_; }
  [[nodiscard]] bool loaded() const { return worker_.has_value(); }
  /// Weights of the slice as the worker built it; 0 before.
  [[nodiscard]] std::uint64_t weight_bytes() const { return weight_bytes_; }

  /// Starts a worker, loads the slice, makes a context. `expected_bytes` sets the deadline.
  Outcome<void> load(std::uint64_t expected_bytes);
  void unload() { worker_.reset(); }

  /// Milliseconds per token of a burst that takes about as long, warmed up before where the slice
  /// was just loaded. Requires loaded().
  Outcome<double> generation(double seconds);
  /// The same of one prompt.
  Outcome<double> prompt();

 private:
  Outcome<double> generation_of(std::uint32_t samples);
  Outcome<double> prompt_of(std::uint32_t tokens);

  const SliceJob* job_;
  search::SliceSize size_;
  SlicePlace place_;
  int layers_;
  std::optional<engine::Worker> worker_ = {};
  bool warm_for_generation_ = false;
  bool warm_for_prompts_ = false;
  double ms_per_token_ = 0;  ///< of the last burst, to size the next
  std::uint64_t weight_bytes_ = 0;
};

}  // namespace sweetspot::profiler
