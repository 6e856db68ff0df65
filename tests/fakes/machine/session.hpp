// A pretended machine at work: a virtual clock, and measurements that differ from the truth as
// they do on real machines. No sleeping, no real clock; the same seed gives the same series.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/trial.hpp"
#include "machine/dice.hpp"
#include "machine/machine.hpp"

namespace sweetspot::fake {

/// What lasts from one load to the next, and from one worker process to the next.
struct SessionState {
  double seconds = 0;       ///< the virtual clock; everything advances it
  double heat_seconds = 0;  ///< of work on the device that it has not cooled from
  std::uint64_t loads = 0;
  bool file_was_read = false;  ///< it is in the page cache
};

/// One worker's life over and over: load, context, samples, unload. Not thread safe.
class Session {
 public:
  /// `machine` must outlive the session.
  Session(const Machine& machine, std::uint64_t seed, SessionState state = {});

  /// Another worker on the same machine, without a model: what lasts they share, the clock first.
  [[nodiscard]] Session beside() const { return {machine_, seed_, state_}; }

  /// The same with another engine: `machine` is this one with other speeds.
  [[nodiscard]] Session beside(const Machine& machine) const { return {machine, seed_, state_}; }

  /// Seconds it took. Forgets what was loaded before.
  Outcome<double> load(const Placement& placement);
  Outcome<double> context(const ContextSettings& context);

  /// The first decode of a context, where memory may grow beyond what there is; seconds.
  Outcome<double> first_decode();

  /// Sets the cache to `tokens` tokens; seconds. The first decode, where there was none. What is
  /// there already is kept, as a worker does: a deeper cache is cut where the model allows it.
  Outcome<double> fill(std::uint32_t tokens);

  /// One token of each sequence with `cache_tokens` tokens in its cache. Needs a context that
  /// decoded once.
  Sample generate(std::uint32_t cache_tokens);

  /// `tokens` tokens on top of `cache_tokens`.
  Sample prompt(std::uint32_t tokens, std::uint32_t cache_tokens);

  [[nodiscard]] bool has_context() const { return has_context_; }
  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] const SessionState& state() const { return *state_; }
  [[nodiscard]] Conditions conditions() const;

  /// Lets virtual time pass: a process starting, memory coming back.
  void wait(double seconds) { pass(seconds, 0); }

 private:
  Session(const Machine& machine, std::uint64_t seed, std::shared_ptr<SessionState> state);

  void pass(double seconds, double device_seconds);
  Sample sample(const Cost& cost, std::uint32_t tokens);
  [[nodiscard]] double drift() const;
  Cost generation_cost(double depth);

  const Machine& machine_;
  std::uint64_t seed_;
  std::shared_ptr<SessionState> state_;
  Dice dice_;
  Config config_;
  bool has_context_ = false;
  bool decoded_ = false;
  std::uint32_t depth_ = 0;             ///< tokens in the cache
  std::uint32_t remembered_depth_ = 0;  ///< of the copy that a model which cannot be cut needs
  double load_factor_ = 1;
  std::uint32_t samples_since_context_ = 0;
  // Generation costs a straight line in depth: two points of it are enough.
  std::optional<Cost> generation_at_0_;
  Cost generation_per_token_;
  std::optional<Cost> prompt_;
  std::uint32_t prompt_tokens_ = 0;
  std::uint32_t prompt_depth_ = 0;
};

}  // namespace sweetspot::fake
