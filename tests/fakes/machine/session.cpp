#include "machine/session.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace sweetspot::fake {
namespace {

constexpr double kMsPerSecond = 1e3;
constexpr double kContextSeconds = 0.15;
constexpr double kDepthOfSecondPoint = 1000;

std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) {
  // The odd constant of splitmix64 (Steele, Lea and Flood 2014) keeps neighbouring loads apart.
  return seed ^ (0x9E3779B97F4A7C15ULL * (number + 1));
}

Cost sum_of(const Cost& a, const Cost& b, double factor) {
  return {a.host_ms + factor * b.host_ms, a.device_ms + factor * b.device_ms,
          a.link_ms + factor * b.link_ms};
}

}  // namespace

Session::Session(const Machine& machine, std::uint64_t seed, SessionState state)
    : Session(machine, seed, std::make_shared<SessionState>(state)) {}

Session::Session(const Machine& machine, std::uint64_t seed, std::shared_ptr<SessionState> state)
    : machine_(machine), seed_(seed), state_(std::move(state)), dice_(mixed(seed, state_->loads)) {}

Conditions Session::conditions() const {
  const Disturbance& d = machine_.parts().disturbance;
  Conditions now;
  if (d.throttle_after_seconds > 0 && state_->heat_seconds > d.throttle_after_seconds) {
    now.device_slowdown = d.throttle_slowdown;
  }
  const double since = state_->seconds - d.neighbour_after_seconds;
  if (d.neighbour_after_seconds > 0 && since >= 0 && since < d.neighbour_seconds) {
    now.host_slowdown = 1 / (1 - d.neighbour_share);
  }
  return now;
}

Outcome<double> Session::load(const Placement& placement) {
  const Disturbance& d = machine_.parts().disturbance;
  has_context_ = decoded_ = false;
  dice_ = Dice(mixed(seed_, state_->loads++));
  load_factor_ = 1 + dice_.between(-d.load_offset, d.load_offset);
  config_ = {placement, {}};
  const double seconds = machine_.load_seconds(config_, !state_->file_was_read);
  // Only what depends on the placement alone can end a load: a tiny context asks for no more.
  Config bare = config_;
  bare.context.n_ctx = bare.context.n_batch = bare.context.n_ubatch = 1;
  const auto failure = machine_.failure(bare);
  if (failure && failure->phase == Phase::load) {
    wait(seconds / 2);
    return tl::unexpected(*failure);
  }
  state_->file_was_read = true;
  wait(seconds);
  return seconds;
}

Outcome<double> Session::context(const ContextSettings& context) {
  config_.context = context;
  has_context_ = decoded_ = false;
  samples_since_context_ = depth_ = remembered_depth_ = 0;
  generation_at_0_.reset();
  prompt_.reset();
  wait(kContextSeconds);
  auto failure = machine_.failure(config_);
  if (failure && failure->phase != Phase::warm_up) {
    failure->phase = Phase::context;
    return tl::unexpected(*failure);
  }
  has_context_ = true;
  return kContextSeconds;
}

Outcome<double> Session::first_decode() {
  if (decoded_) return 0.0;
  if (auto failure = machine_.failure(config_)) return tl::unexpected(*failure);
  decoded_ = true;
  const double seconds =
      sample(machine_.prompt_cost(config_, 16, 0), 16).duration_ms / kMsPerSecond;
  samples_since_context_ = 0;
  return seconds;
}

Outcome<double> Session::fill(std::uint32_t tokens) {
  const auto first = first_decode();
  if (!first) return first;
  std::uint32_t kept = depth_;
  // What cannot be cut is taken from the copy that was made at that depth, or filled anew.
  const bool goes_back = !machine_.model().hybrid || remembered_depth_ == tokens;
  if (depth_ > tokens) kept = goes_back ? tokens : 0;
  depth_ = remembered_depth_ = tokens;
  if (kept == tokens) return first;
  const Cost cost = machine_.prompt_cost(config_, tokens - kept, kept);
  const double seconds = cost.total_ms(conditions()) / kMsPerSecond;
  pass(seconds, cost.device_ms / kMsPerSecond);
  return *first + seconds;
}

Cost Session::generation_cost(double depth) {
  if (!generation_at_0_) {
    generation_at_0_ = machine_.generation_cost(config_, 0);
    const Cost deep = machine_.generation_cost(config_, kDepthOfSecondPoint);
    const Cost rise = sum_of(deep, *generation_at_0_, -1);
    generation_per_token_ = sum_of({}, rise, 1 / kDepthOfSecondPoint);
  }
  return sum_of(*generation_at_0_, generation_per_token_, depth);
}

Sample Session::generate(std::uint32_t cache_tokens) {
  depth_ = cache_tokens + 1;
  return sample(generation_cost(cache_tokens), config_.context.n_parallel);
}

Sample Session::prompt(std::uint32_t tokens, std::uint32_t cache_tokens) {
  if (!prompt_ || prompt_tokens_ != tokens || prompt_depth_ != cache_tokens) {
    prompt_ = machine_.prompt_cost(config_, tokens, cache_tokens);
    prompt_tokens_ = tokens;
    prompt_depth_ = cache_tokens;
  }
  depth_ = cache_tokens + tokens;
  return sample(*prompt_, tokens);
}

// Work heats the device; the rest of the time it cools.
void Session::pass(double seconds, double device_seconds) {
  const double idle = std::max(0.0, seconds - device_seconds);
  const double cooling = machine_.parts().disturbance.cooling_seconds;
  state_->heat_seconds = state_->heat_seconds * std::exp(-idle / cooling) + device_seconds;
  state_->seconds += seconds;
}

double Session::drift() const {
  const Disturbance& d = machine_.parts().disturbance;
  const double turns = state_->seconds / d.drift_period_seconds;
  return 1 + d.drift * std::sin(2 * std::numbers::pi * turns);
}

Sample Session::sample(const Cost& cost, std::uint32_t tokens) {
  constexpr std::array<double, 3> kRamp = {1, 0.3, 0.1};
  const Disturbance& d = machine_.parts().disturbance;
  double factor = load_factor_ * drift();
  factor *= std::max(0.5, 1 + d.sample * dice_.normal());
  if (samples_since_context_ < kRamp.size()) factor *= 1 + d.ramp * kRamp[samples_since_context_];
  if (dice_.chance(d.stall_probability)) factor *= dice_.between_log(d.stall_low, d.stall_high);
  ++samples_since_context_;

  Sample result;
  result.start_ms = state_->seconds * kMsPerSecond;
  result.tokens = tokens;
  result.duration_ms = cost.total_ms(conditions()) * factor;
  pass(result.duration_ms / kMsPerSecond, cost.device_ms * factor / kMsPerSecond);
  return result;
}

}  // namespace sweetspot::fake
