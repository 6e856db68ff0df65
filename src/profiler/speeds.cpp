#include "profiler/speeds.hpp"

#include <algorithm>
#include <utility>

#include "core/endpoint.hpp"
#include "measure/speed.hpp"
#include "profiler/failed.hpp"
#include "profiler/passes.hpp"

namespace sweetspot::profiler {
namespace {

// What is waited at least for a disturbance to go.
constexpr double kLeastPatienceMs = 500;

// What a measurement may take beyond twice its time, by our own clock.
constexpr double kClockGraceSeconds = 5;

// And at most: not longer than measuring may take.
double full_patience_ms(const Request& request) {
  return std::min(WatchLimits{}.cool_down_ms, 1e3 * request.max_seconds);
}

// A device behind RPC on this machine takes its time from the processors that the worker uses: that
// is no neighbour of theirs.
bool computes_here(const std::vector<DeviceReport>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const DeviceReport& report) {
    const auto server = parse_endpoint(report.device.description);  // what ggml calls it
    return report.device.backend == "RPC" && server && is_loopback(server->host);
  });
}

}  // namespace

measure::TrialLimits limits_of(const Request& request) {
  return {request.precision, request.max_seconds};
}

Speeds::Speeds(const Request& request, Site& site, const Observer& observer)
    : request_(request), site_(site), observer_(observer) {
  patience_.cool_down_ms = full_patience_ms(request);
}

WatchWorld Speeds::world_for(const engine::Holder& holder, const Trial& trial,
                             const MemoryAccount& memory) {
  WatchWorld world = watch_world(site_, memory.addresses(), holder.pid());
  world.processes_known = processes_known_;
  if (trial.effective && !computes_here(memory.devices())) {
    const auto& effective = *trial.effective;
    site_.watch_processors(world, std::max(effective.n_threads, effective.n_threads_batch));
  }
  return world;
}

// A neighbour that stayed is waited for less each time, until one has gone.
void Speeds::remember(const Watched& watched) {
  processes_known_ = watched.processes_known;
  if (watched.waited_in_vain) {
    patience_.cool_down_ms = std::max(std::min(kLeastPatienceMs, full_patience_ms(request_)),
                                      patience_.cool_down_ms / 2);
  } else if (!watched.repeats.empty()) {
    patience_.cool_down_ms = full_patience_ms(request_);
  }
}

Outcome<void> Speeds::measure(engine::Holder& holder, Trial& trial, const WantedSpeeds& wanted,
                              MemoryAccount& memory) {
  const WatchWorld world = world_for(holder, trial, memory);
  SpeedSpans spans;
  Watched watched = measure_undisturbed(
      world,
      [&]() -> Measurement {
        spans = {};
        Outcome<void> outcome = measure_once(holder, trial, wanted, spans);
        std::vector<Span> steady;
        for (const auto& span : {spans.generation, spans.prompt}) {
          if (span) steady.push_back(*span);
        }
        return {std::move(outcome), std::move(steady)};
      },
      patience_);
  remember(watched);
  memory.note_peaks(watched.window);
  if (wanted.generation || !trial.workload.generates()) {
    memory.take_telemetry(watched.window, trial);
  }
  if (!watched.outcome) return watched.outcome;
  mark(trial, watched);
  take_energy(trial, devices_in(watched.window, world.pci_bus_ids), spans);
  return {};
}

// What an attempt that was disturbed gave is replaced.
Outcome<void> Speeds::measure_once(engine::Holder& holder, Trial& trial, const WantedSpeeds& wanted,
                                   SpeedSpans& spans) {
  const auto prompt = [&] { return measure_prompt(holder, trial, wanted.rival_ms, spans); };
  if (wanted.prompt && request_.as_request) {
    if (auto measured = prompt(); !measured) return measured;
  }
  if (wanted.generation) {
    if (auto measured = measure_generation(holder, trial, wanted.rival_ms, spans); !measured) {
      return measured;
    }
  }
  if (wanted.prompt && !request_.as_request) return prompt();
  return {};
}

Outcome<void> Speeds::measure_generation(engine::Holder& holder, Trial& trial, double rival_ms,
                                         SpeedSpans& spans) {
  trial.generation.reset();
  const auto options =
      measure::generation_options(limits_of(request_), trial.workload, trial.extent, rival_ms);
  Outcome<Speed> speed =
      measure_passes(holder, generation_pass(trial.workload, request_.as_request), options,
                     spans.generation.emplace());
  if (!speed) return tl::unexpected(speed.error());
  trial.generation = std::move(*speed);
  return {};
}

// Where nothing is generated the prompt is what is compared, with the time and the precision that
// a generation has elsewhere.
Outcome<void> Speeds::measure_prompt(engine::Holder& holder, Trial& trial, double rival_ms,
                                     SpeedSpans& spans) {
  trial.prompt.reset();
  const measure::TrialLimits limits = limits_of(request_);
  const auto options = trial.workload.generates()
                           ? measure::prompt_options(limits)
                           : measure::input_options(limits, trial.extent, rival_ms);
  Outcome<Speed> speed =
      measure_passes(holder, prompt_pass(trial.workload), options, spans.prompt.emplace());
  if (!speed) return tl::unexpected(speed.error());
  trial.prompt = std::move(*speed);
  return {};
}

Outcome<Speed> Speeds::measure_passes(engine::Holder& holder,
                                      const protocol::MeasureRequest& passes,
                                      const measure::StoppingOptions& options, Span& span) {
  const Phase phase = protocol::phase_of(passes);
  measure::StoppingRule rule(options);
  protocol::MeasureRequest request = passes;
  request.max_samples = options.max_samples;
  std::vector<Sample> samples;
  double elapsed_ms = 0;
  const auto done = holder.measure(request, phase, [&](const Sample& sample) {
    // Samples already under way when the rule was met are not part of what it judged.
    if (rule.is_finished()) return false;
    span.end_ms = site_.now_ms();
    if (samples.empty()) span.begin_ms = span.end_ms;
    samples.push_back(sample);
    rule.add(sample);
    elapsed_ms += sample.duration_ms;
    report(observer_, phase, std::min(1.0, elapsed_ms / 1e3 / options.max_seconds));
    // The rule goes by the worker's clock. A worker whose clock stands still meets ours.
    const double our_seconds = (span.end_ms - span.begin_ms) / 1e3;
    const double longest_seconds = std::max(options.max_seconds, options.extended_seconds);
    return !rule.is_finished() && our_seconds < 2 * longest_seconds + kClockGraceSeconds;
  });
  if (!done) return tl::unexpected(done.error());
  Reading<Speed> speed = measure::make_speed(std::move(samples), rule.summary());
  if (speed) return *speed;
  return tl::unexpected(failed(FailureClass::protocol_error, phase,
                               "the worker's samples give no speed: " + speed.reason()));
}

}  // namespace sweetspot::profiler
