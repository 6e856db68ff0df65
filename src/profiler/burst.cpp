#include "profiler/burst.hpp"

#include <algorithm>

#include "profiler/failed.hpp"

namespace sweetspot::profiler {

Outcome<std::vector<double>> burst(engine::Holder& holder,
                                   const protocol::MeasureRequest& request) {
  const Phase phase = protocol::phase_of(request);
  std::vector<double> times;
  const auto done = holder.measure(request, phase, [&](const Sample& sample) {
    times.push_back(sample.duration_ms / std::max(sample.tokens, 1U));
    return true;
  });
  if (!done) return tl::unexpected(done.error());
  if (times.empty()) {
    return tl::unexpected(
        failed(FailureClass::protocol_error, phase, "the worker measured nothing"));
  }
  return times;
}

}  // namespace sweetspot::profiler
