#include "profiler/taking_turns.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/memory_map.hpp"
#include "ground/bytes.hpp"
#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "profiler/burst.hpp"
#include "profiler/failed.hpp"
#include "profiler/passes.hpp"

namespace sweetspot::profiler {
namespace {

using tune::Pass;

// A turn of generation takes about so long: neighbours and clocks change slower than that.
constexpr double kTurnMs = 150;
constexpr double kFewestTokens = 3;
constexpr double kMostTokens = 64;

// Cut from each: it finds what the other one left in the caches.
constexpr std::uint32_t kColdTokens = 1;

// Of the prompt that warms up: its buffers are touched for the first time.
constexpr std::uint32_t kWarmUpPrompt = 64;

Outcome<double> checked_time(double ms, Phase phase) {
  if (std::isfinite(ms) && ms > 0) return ms;
  return tl::unexpected(failed(FailureClass::protocol_error, phase, "the worker's clock stands"));
}

}  // namespace

Outcome<void> TakingTurns::load(const Trial& trial, std::uint64_t host_bytes) {
  const auto available = site_.host_available_bytes();
  if (!available || plus(site_.host_reserve_bytes(), host_bytes) > *available) {
    return tl::unexpected(failed(FailureClass::does_not_fit, Phase::plan,
                                 "the host's free memory has no room for it beside the other"));
  }
  if (auto started = other_.start(trial.config.placement); !started) return started;
  report(observer_, Phase::load, 0);
  const auto loaded = other_.load([this](const protocol::Progress& progress) {
    report(observer_, progress.phase, progress.fraction);
  });
  if (!loaded) return tl::unexpected(loaded.error());
  if (auto made = other_.make_context(trial.config.context); !made) {
    return tl::unexpected(made.error());
  }
  return {};
}

Outcome<double> TakingTurns::prompt(engine::Holder& holder, std::uint32_t tokens) {
  protocol::MeasureRequest request = prompt_pass(request_.workload);
  request.tokens_per_pass = tokens;
  request.max_samples = 1;
  const auto times = burst(holder, request);
  if (!times) return tl::unexpected(times.error());
  return checked_time(times->front(), Phase::prompt);
}

// `about_ms`: per token, as far as is known.
Outcome<double> TakingTurns::generation(engine::Holder& holder, double about_ms) {
  const double sample_ms = about_ms * request_.base.context.n_parallel;
  const double wanted = sample_ms > 0 ? std::round(kTurnMs / sample_ms) : 0;
  protocol::MeasureRequest request = generation_pass(request_.workload, request_.as_request);
  request.max_samples =
      kColdTokens + static_cast<std::uint32_t>(std::clamp(wanted, kFewestTokens, kMostTokens));
  auto times = burst(holder, request);
  if (!times) return tl::unexpected(times.error());
  if (times->size() > kColdTokens) times->erase(times->begin(), times->begin() + kColdTokens);
  const auto set = measure::SampleSet::make(*std::move(times));
  // The median: a stall of one token says nothing of the turn.
  return checked_time(set ? measure::median(*set) : 0, Phase::generation);
}

Outcome<double> TakingTurns::pass(engine::Holder& holder, Pass pass, double& last_ms) {
  if (pass == Pass::prompt) return prompt(holder, request_.workload.n_prompt);
  auto ms = generation(holder, last_ms);
  if (ms) last_ms = *ms;
  return ms;
}

Outcome<void> TakingTurns::warm_up(engine::Holder& holder) {
  if (request_.workload.n_prompt > 0) {
    const auto few = std::min(request_.workload.n_prompt, kWarmUpPrompt);
    if (auto warm = prompt(holder, few); !warm) return tl::unexpected(warm.error());
  }
  if (!request_.workload.generates()) return {};
  if (auto warm = generation(holder, 0); !warm) return tl::unexpected(warm.error());
  return {};
}

Outcome<void> TakingTurns::take(engine::Holder& held, tune::InTurn& judge) {
  engine::Holder& other = other_.holder();
  for (engine::Holder* holder : {&held, &other}) {
    if (auto warm = warm_up(*holder); !warm) return warm;
  }
  double held_ms = 0;
  double other_ms = 0;
  // One begins, then the other does: of what drifts evenly nothing is left.
  bool held_first = true;
  while (const auto next = judge.next()) {
    if (site_.cancelled()) break;
    const double begin_ms = site_.now_ms();
    Outcome<double> winner;
    if (held_first) winner = pass(held, *next, held_ms);
    const Outcome<double> baseline = pass(other, *next, other_ms);
    if (!baseline) return tl::unexpected(baseline.error());
    if (!held_first) winner = pass(held, *next, held_ms);
    if (!winner) return tl::unexpected(winner.error());
    held_first = !held_first;
    judge.add(*next, *baseline, *winner, (site_.now_ms() - begin_ms) / 1e3);
    report(observer_, *next == Pass::prompt ? Phase::prompt : Phase::generation,
           judge.share_of_time());
  }
  return {};
}

}  // namespace sweetspot::profiler
