// A holder has one placement of one model loaded and measures it: the verbs that a trial needs. A
// worker process (engine/worker.hpp) is one; the simulation of the search has another.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "core/config.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/trial.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::engine {

using ProgressFn = std::function<void(const protocol::Progress&)>;

/// Called for every sample in order; false ends the measurement (its result follows).
using OnSample = std::function<bool(const Sample&)>;

/// Not thread safe.
class Holder {
 public:
  virtual ~Holder() = default;

  /// As ggml lists them there.
  [[nodiscard]] virtual const std::vector<Device>& devices() const = 0;

  [[nodiscard]] virtual const protocol::Abilities& abilities() const = 0;

  /// `model_bytes` says how long it may take.
  virtual Outcome<protocol::LoadResult> load(const protocol::LoadRequest& request,
                                             std::uint64_t model_bytes,
                                             const ProgressFn& on_progress) = 0;

  /// Replaces the context there is.
  virtual Outcome<protocol::ContextResult> context(const ContextSettings& settings) = 0;

  /// `phase` names what is measured: warm_up, prompt or generation. A sample with a NaN or an
  /// infinity is a failure.
  virtual Outcome<protocol::MeasureResult> measure(const protocol::MeasureRequest& request,
                                                   Phase phase, const OnSample& on_sample) = 0;

  virtual Outcome<protocol::CheckResult> check() = 0;
  virtual Outcome<protocol::DivergenceResult> divergence(
      const protocol::DivergenceRequest& request) = 0;
  virtual Outcome<protocol::FullDepthResult> full_depth(const ProgressFn& on_progress) = 0;

  /// Gives back all that it holds. True when nothing is left. Idempotent.
  virtual bool end() = 0;

  /// False once it was ended, or died.
  [[nodiscard]] virtual bool alive() const = 0;

  /// The process that computes.
  [[nodiscard]] virtual pid_t pid() const = 0;

 protected:
  Holder() = default;
  Holder(const Holder&) = default;
  Holder(Holder&&) = default;
  Holder& operator=(const Holder&) = default;
  Holder& operator=(Holder&&) = default;
};

}  // namespace sweetspot::engine
