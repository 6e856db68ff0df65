#include "profiler/trial_runner.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/endpoint.hpp"
#include "core/no_device.hpp"
#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/release_wait.hpp"
#include "measure/agreement.hpp"
#include "measure/sample_set.hpp"
#include "measure/speed.hpp"
#include "measure/statistics.hpp"
#include "measure/stopping_rule.hpp"
#include "measure/trial_limits.hpp"
#include "profiler/constants.hpp"
#include "profiler/watch.hpp"

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

measure::TrialLimits limits_of(const Request& request) {
  return {request.precision, request.max_seconds};
}

protocol::MeasureRequest generation_request(const Workload& workload) {
  protocol::MeasureRequest request;
  request.kind = protocol::MeasureKind::generation;
  request.tokens_per_pass = std::min(workload.n_gen, kTokensPerPass);
  request.cache_tokens = workload.n_depth + (workload.n_gen - request.tokens_per_pass) / 2;
  return request;
}

protocol::MeasureRequest prompt_request(const Workload& workload) {
  protocol::MeasureRequest request;
  request.kind = protocol::MeasureKind::prompt;
  request.tokens_per_pass = workload.n_prompt;
  request.cache_tokens = workload.n_depth;
  return request;
}

std::string tokens_in_words(const protocol::FullDepthResult& done) {
  return done.n_sequences == 1
             ? fmt::format("{} tokens", done.tokens_each)
             : fmt::format("{} sequences of {} tokens each", done.n_sequences, done.tokens_each);
}

// A step gives a token of each sequence.
std::vector<double> token_times(const protocol::FullDepthResult& done) {
  std::vector<double> times = done.steps_ms;
  for (double& ms : times) ms /= std::max(done.n_sequences, 1U);
  return times;
}

void keep_larger(Reading<std::uint64_t>& largest, const Reading<std::uint64_t>& next) {
  if (next.has_value() && (!largest.has_value() || *next > *largest)) largest = next;
}

Failure failed(FailureClass failure_class, Phase phase, std::string message) {
  return {failure_class, phase, std::move(message), std::nullopt, ""};
}

Telemetry absent_telemetry(const Absence& why) {
  Telemetry telemetry;
  telemetry.utilisation_percent = telemetry.temperature_start_c = telemetry.temperature_max_c =
      telemetry.power_w = telemetry.graphics_clock_mhz = telemetry.graphics_clock_min_mhz =
          telemetry.graphics_clock_limit_mhz = why;
  telemetry.throttle_reasons = why;
  telemetry.throttle_times = why;
  return telemetry;
}

const std::string* pci_of(const DeviceReport& report) {
  return report.device.pci_bus_id.has_value() ? &report.device.pci_bus_id.value() : nullptr;
}

bool has_quantized_cache(const ContextSettings& context) {
  return context.type_k != "f16" || context.type_v != "f16";
}

// Probabilities are compared in a context of their own: with logits for every token, which
// llama-server has no room for, and so small that it fits wherever the trial's own does.
ContextSettings comparing(ContextSettings settings) {
  constexpr std::uint32_t kTokens = 256;
  constexpr std::uint32_t kPiece = 64;
  settings.host_program = HostProgram::libllama;
  settings.n_ctx = std::min(settings.n_ctx, kTokens);
  settings.n_parallel = 1;
  settings.kv_unified = false;
  settings.n_batch = std::min(settings.n_batch, kPiece);
  settings.n_ubatch = std::min(settings.n_ubatch, kPiece);
  return settings;
}

// A device behind RPC on this machine takes its time from the processors that the worker uses: that
// is no neighbour of theirs.
bool computes_here(const std::vector<DeviceReport>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const DeviceReport& report) {
    const auto server = parse_endpoint(report.device.description);  // what ggml calls it
    return report.device.backend == "RPC" && server && is_loopback(server->host);
  });
}

std::vector<std::string> addresses_of(const std::vector<DeviceReport>& targets) {
  std::vector<std::string> addresses;
  for (const DeviceReport& target : targets) {
    if (const std::string* pci = pci_of(target)) addresses.push_back(*pci);
  }
  return addresses;
}

}  // namespace

TrialRunner::TrialRunner(const Request& request, const ModelInfo& model,
                         std::vector<DeviceReport> targets, devices::Sampler& sampler,
                         const devices::Snapshot& baseline, const Observer& observer)
    : request_(request),
      model_(model),
      targets_(std::move(targets)),
      sampler_(sampler),
      observer_(observer) {
  baseline_free_bytes_ = free_bytes(baseline);
  patience_.cool_down_ms = full_patience_ms(request);
}

Trial TrialRunner::run(const TrialAsk& ask, const Forecast* forecast) {
  Trial trial = blank_trial(ask);
  if (forecast != nullptr) {
    trial.predicted = forecast->memory;
    trial.missing_bytes = forecast->missing_bytes;
  }
  if (!held_ || held_->placement != ask.config.placement) release(nullptr);
  used_ = uses_no_device(ask.config.placement) ? std::vector<DeviceReport>() : targets_;
  if (auto why = why_not_run(ask, forecast)) {
    trial.failure = std::move(why);
    return trial;
  }
  Outcome<void> measured = hold(trial);
  if (measured) measured = measure(trial, ask.rival_ms);
  conclude(trial, measured);
  return trial;
}

bool TrialRunner::complete(Trial& trial) {
  if (!held_ || held_->placement != trial.config.placement ||
      held_->context != trial.config.context || !trial.measured()) {
    return false;
  }
  trial.extent = Extent::full;
  const bool prompts = trial.workload.n_prompt > 0;
  const bool generates = trial.workload.generates();
  const bool precise = measure::is_precise(*trial.speed(), limits_of(request_));
  Wanted missing{generates && !precise, generates ? !trial.prompt && prompts : !precise};
  // What was disturbed is measured anew as a whole: whoever disturbed may have gone.
  if (!trial.disturbances.empty() && !trial.is(Disturbance::spilled)) {
    missing = {generates, prompts};
    trial.disturbances.clear();
    trial.contended_for.clear();
  }
  Outcome<void> measured;
  if (missing.generation || missing.prompt) measured = measure_speeds(trial, missing);
  if (measured) verify_full_depth(trial);
  conclude(trial, measured);
  return true;
}

void TrialRunner::release(Trial* last) {
  if (!held_) return;
  if (!held_->worker.end()) {
    stuck_ = true;
    if (last != nullptr) {
      last->notes.emplace_back("the worker could not be ended: the device needs attention");
    }
  }
  held_.reset();
}

std::optional<Failure> TrialRunner::why_not_run(const TrialAsk& ask,
                                                const Forecast* forecast) const {
  if (forecast != nullptr && forecast->missing_bytes.value_or(0) > 0 && !request_.try_anyway) {
    return failed(FailureClass::does_not_fit, Phase::plan,
                  forecast->sentence + "; --try-anyway loads it all the same");
  }
  if (ask.not_tried) return ask.not_tried;
  if (stuck_ && !uses_no_device(ask.config.placement)) {
    return failed(FailureClass::device_lost, Phase::start,
                  "not tried: an earlier worker could not be ended and still holds the device");
  }
  return std::nullopt;
}

// What is known only after the work.
void TrialRunner::conclude(Trial& trial, const Outcome<void>& measured) {
  if (!measured) trial.failure = measured.error();
  note_peaks(sampler_.fresh(kFreshDeadline));
  account_memory(trial);
  mark_spill(trial, uses_);
  check_file_is_the_same(trial);
  // After a refusal the worker is as good as new; after anything else nobody knows.
  const bool sound =
      measured.has_value() || measured.error().failure_class == FailureClass::config_rejected;
  if (!sound || (held_ && !held_->worker.alive())) release(&trial);
}

Trial TrialRunner::blank_trial(const TrialAsk& ask) const {
  Trial trial;
  trial.requested_layers = ask.requested_layers;
  trial.layers = ask.layers;
  trial.config = ask.config;
  trial.workload = request_.workload;
  trial.started_at = utc_now();
  trial.extent = ask.extent;
  trial.title = ask.title;
  trial.reason = ask.reason;
  const Absence nothing{"nothing was loaded"};
  trial.driver_rise_bytes = trial.used_by_others_bytes = trial.vram_used_bytes = nothing;
  trial.vram_percent = trial.load_seconds = nothing;
  trial.telemetry = absent_telemetry({"nothing was measured"});
  trial.full_depth_note = "the trial ended before";
  return trial;
}

Reading<std::uint64_t> TrialRunner::free_bytes(const devices::Snapshot& snapshot) const {
  Reading<std::uint64_t> sum = Absence{"no driver tells"};
  for (const DeviceReport& target : targets_) {
    const std::string* pci = pci_of(target);
    const DeviceStatus* status = pci != nullptr ? snapshot.find(*pci) : nullptr;
    if (status == nullptr || !status->memory_free_bytes) continue;
    sum = sum.value_or(0) + *status->memory_free_bytes;
  }
  return sum;
}

// Device memory comes back a moment after its process is gone; a trial that starts before would
// find less than there is (R8).
void TrialRunner::wait_for_memory(Trial& trial) {
  if (used_.empty()) return;
  const auto read_free = [this] { return free_bytes(sampler_.fresh(kFreshDeadline)); };
  if (!baseline_free_bytes_) {
    baseline_free_bytes_ = read_free();
    return;
  }
  devices::ReleaseGoal goal;
  goal.baseline_free_bytes = *baseline_free_bytes_;
  process::CancelToken* cancel = request_.start.cancel;
  const auto world =
      devices::real_world([cancel] { return cancel != nullptr && cancel->cancelled(); });
  const devices::ReleaseResult result = devices::wait_for_release(read_free, goal, world);
  if (result.release == devices::Release::after_wait ||
      result.release == devices::Release::did_not_return) {
    trial.notes.push_back(result.sentence());
  }
}

// Called twice: without a worker for what drivers say (a worker that lists CUDA devices already
// takes memory), then with it for devices that only ggml knows.
void TrialRunner::read_devices_before(const engine::Worker* worker) {
  if (worker == nullptr) {
    uses_.clear();
    const devices::Snapshot snapshot = sampler_.fresh(kFreshDeadline);
    for (const DeviceReport& target : used_) {
      DeviceUse use;
      use.id = target.device.id;
      const std::string* pci = pci_of(target);
      if (const DeviceStatus* status = pci != nullptr ? snapshot.find(*pci) : nullptr) {
        use.driver = status->memory_used_bytes.has_value();
        use.total_bytes = status->memory_total_bytes;
        use.used_before_bytes = status->memory_used_bytes;
        use.spilled_before_bytes = status->spilled_bytes;
      }
      uses_.push_back(std::move(use));
    }
    return;
  }
  for (DeviceUse& use : uses_) {
    if (use.driver) continue;
    for (const Device& device : worker->hello().devices) {
      if (device.id != use.id) continue;
      const devices::MemoryView view =
          devices::memory_of({device, Absence{"no driver interface knows it"}});
      use.total_bytes = view.total_bytes;
      use.used_before_bytes = view.used_bytes;
    }
  }
}

// A worker with the trial's placement: the one that is held, or a new one.
Outcome<void> TrialRunner::hold(Trial& trial) {
  if (held_) {
    trial.load_seconds = Absence{"its weights were loaded for an earlier trial"};
    return {};
  }
  wait_for_memory(trial);
  read_devices_before(nullptr);
  Outcome<engine::Worker> worker = engine::Worker::start(request_.start);
  if (!worker) return tl::unexpected(worker.error());
  held_.emplace(Held{*std::move(worker), trial.config.placement, std::nullopt,
                     Absence{"nothing was loaded"}});
  read_devices_before(&held_->worker);
  report(Phase::load, 0);
  const auto loaded = held_->worker.load(
      {model_.path, trial.config.placement}, model_.size_bytes,
      [this](const protocol::Progress& progress) { report(progress.phase, progress.fraction); });
  if (!loaded) return tl::unexpected(loaded.error());
  trial.load_seconds = loaded->seconds;
  held_->offloaded = loaded->n_gpu_layers;
  return {};
}

Outcome<void> TrialRunner::make_context(Trial& trial) {
  report(Phase::context, -1);
  held_->context.reset();
  for (DeviceUse& use : uses_) {
    use.used_peak_bytes = use.spilled_peak_bytes = Absence{"nothing ran yet"};
  }
  const auto context = held_->worker.context(trial.config.context);
  if (!context) return tl::unexpected(context.error());
  held_->context = trial.config.context;
  trial.effective = context->effective;
  trial.effective->n_gpu_layers = held_->offloaded;
  if (held_->offloaded && *held_->offloaded != trial.layers) {
    trial.notes.push_back(
        fmt::format("llama.cpp offloaded {} layers, not {}", *held_->offloaded, trial.layers));
  }
  trial.memory = context->memory;
  if (trial.memory.empty() && !context->memory_note.empty()) {
    trial.notes.push_back("memory: " + context->memory_note);
  }
  return {};
}

// What a smaller cache costs in quality is held against an f16 cache of the same placement.
Outcome<void> TrialRunner::keep_reference(const Trial& trial) {
  if (held_->has_reference) return {};
  ContextSettings settings = comparing(trial.config.context);
  settings.type_k = settings.type_v = "f16";
  held_->context.reset();
  if (auto made = held_->worker.context(settings); !made) return tl::unexpected(made.error());
  const auto kept = held_->worker.divergence({/*keep_as_reference=*/true});
  if (!kept) return tl::unexpected(kept.error());
  held_->has_reference = true;
  return {};
}

Outcome<void> TrialRunner::check_divergence(Trial& trial) {
  if (!trial.workload.generates() || !has_quantized_cache(trial.config.context)) return {};
  report(Phase::warm_up, -1);
  if (auto kept = keep_reference(trial); !kept) return kept;
  held_->context.reset();
  if (auto made = held_->worker.context(comparing(trial.config.context)); !made) {
    return tl::unexpected(made.error());
  }
  const auto compared = held_->worker.divergence({});
  if (!compared) return tl::unexpected(compared.error());
  trial.divergence = Divergence{compared->positions, compared->mean, compared->p99, compared->max,
                                compared->same_top};
  if (compared->mean <= request_.max_divergence) return {};
  return tl::unexpected(failed(
      FailureClass::wrong_output, Phase::warm_up,
      fmt::format("its cache types change the output: the next token's probabilities diverge by "
                  "{:.2g} nats on average from those of an f16 cache, {:g} are allowed",
                  compared->mean, request_.max_divergence)));
}

Outcome<void> TrialRunner::measure(Trial& trial, double rival_ms) {
  if (auto checked = check_divergence(trial); !checked) return checked;
  if (auto made = make_context(trial); !made) return made;
  if (auto checked = check_output(trial); !checked) return checked;
  const bool generation = trial.workload.generates();
  const bool prompt =
      trial.workload.n_prompt > 0 && (!generation || trial.extent != Extent::generation_only);
  if (auto measured = measure_speeds(trial, {generation, prompt, rival_ms}); !measured) {
    return measured;
  }
  if (trial.extent == Extent::full) {
    verify_full_depth(trial);
  } else {
    trial.full_depth_note = "only its speed was measured";
  }
  return {};
}

// Finite output is not enough (R14): a config that computes something else than the first one
// measured, which has the fewest layers on a device, is as useless as one that crashes.
Outcome<void> TrialRunner::check_output(Trial& trial) {
  report(Phase::warm_up, -1);
  const auto checked = held_->worker.check();
  if (!checked) return tl::unexpected(checked.error());
  if (!checked->finite) {
    return tl::unexpected(failed(FailureClass::non_finite_output, Phase::warm_up,
                                 "the model computes NaN or infinity: its weights are damaged"));
  }
  if (reference_logits_.empty()) {
    reference_logits_ = checked->logits;
    reference_layers_ = trial.layers;
    return {};
  }
  const Reading<double> agreement = measure::agreement(reference_logits_, checked->logits);
  if (!agreement) {
    trial.notes.push_back("output not compared: " + agreement.reason());
  } else if (*agreement < measure::kMinimumAgreement) {
    return tl::unexpected(
        failed(FailureClass::wrong_output, Phase::warm_up,
               fmt::format("its output has a correlation of {:.2f} with that of {} layers, so it "
                           "does not compute the same model",
                           *agreement, reference_layers_)));
  }
  return {};
}

// Measured again where something disturbed it; what is left of that is marked (R7, R9).
Outcome<void> TrialRunner::measure_speeds(Trial& trial, const Wanted& wanted) {
  process::CancelToken* cancel = request_.start.cancel;
  WatchWorld world = watch_world(sampler_, addresses_of(used_), held_->worker.pid(),
                                 [cancel] { return cancel != nullptr && cancel->cancelled(); });
  world.processes_known = processes_known_;
  if (trial.effective && !computes_here(used_)) {
    watch_processors(world, std::max(trial.effective->n_threads, trial.effective->n_threads_batch));
  }
  SpeedSpans spans;
  Watched watched = measure_undisturbed(
      world,
      [&]() -> Measurement {
        spans = {};
        Outcome<void> outcome = measure_once(trial, wanted, spans);
        std::vector<Span> steady;
        for (const auto& span : {spans.generation, spans.prompt}) {
          if (span) steady.push_back(*span);
        }
        return {std::move(outcome), std::move(steady)};
      },
      patience_);
  processes_known_ = watched.processes_known;
  // A neighbour that stayed is waited for less each time, until one has gone.
  if (watched.waited_in_vain) {
    patience_.cool_down_ms = std::max(std::min(kLeastPatienceMs, full_patience_ms(request_)),
                                      patience_.cool_down_ms / 2);
  } else if (!watched.repeats.empty()) {
    patience_.cool_down_ms = full_patience_ms(request_);
  }
  note_peaks(watched.window);
  if (wanted.generation || !trial.workload.generates()) take_telemetry(watched.window, trial);
  if (!watched.outcome) return watched.outcome;
  mark(trial, watched);
  take_energy(trial, devices_in(watched.window, world.pci_bus_ids), spans);
  return {};
}

// What an attempt that was disturbed gave is replaced.
Outcome<void> TrialRunner::measure_once(Trial& trial, const Wanted& wanted, SpeedSpans& spans) {
  if (wanted.prompt && request_.as_request) {
    if (auto measured = measure_prompt(trial, wanted, spans); !measured) return measured;
  }
  if (wanted.generation) {
    if (auto measured = measure_generation(trial, wanted, spans); !measured) return measured;
  }
  if (wanted.prompt && !request_.as_request) return measure_prompt(trial, wanted, spans);
  return {};
}

Outcome<void> TrialRunner::measure_generation(Trial& trial, const Wanted& wanted,
                                              SpeedSpans& spans) {
  trial.generation.reset();
  protocol::MeasureRequest request = generation_request(trial.workload);
  if (request_.as_request) request.cache_tokens += trial.workload.n_prompt;
  const auto options = measure::generation_options(limits_of(request_), trial.workload,
                                                   trial.extent, wanted.rival_ms);
  Outcome<Speed> speed =
      measure_speed(request, Phase::generation, options, spans.generation.emplace());
  if (!speed) return tl::unexpected(speed.error());
  trial.generation = std::move(*speed);
  return {};
}

// Where nothing is generated the prompt is what is compared, with the time and the precision that
// a generation has elsewhere.
Outcome<void> TrialRunner::measure_prompt(Trial& trial, const Wanted& wanted, SpeedSpans& spans) {
  trial.prompt.reset();
  const measure::TrialLimits limits = limits_of(request_);
  const auto options = trial.workload.generates()
                           ? measure::prompt_options(limits)
                           : measure::input_options(limits, trial.extent, wanted.rival_ms);
  Outcome<Speed> speed =
      measure_speed(prompt_request(trial.workload), Phase::prompt, options, spans.prompt.emplace());
  if (!speed) return tl::unexpected(speed.error());
  trial.prompt = std::move(*speed);
  return {};
}

Outcome<Speed> TrialRunner::measure_speed(const protocol::MeasureRequest& what, Phase phase,
                                          const measure::StoppingOptions& options, Span& span) {
  measure::StoppingRule rule(options);
  protocol::MeasureRequest request = what;
  request.max_samples = options.max_samples;
  std::vector<Sample> samples;
  double elapsed_ms = 0;
  const auto done = held_->worker.measure(request, phase, [&](const Sample& sample) {
    // Samples already under way when the rule was met are not part of what it judged.
    if (rule.is_finished()) return false;
    span.end_ms = devices::steady_now_ms();
    if (samples.empty()) span.begin_ms = span.end_ms;
    samples.push_back(sample);
    rule.add(sample);
    elapsed_ms += sample.duration_ms;
    report(phase, std::min(1.0, elapsed_ms / 1e3 / options.max_seconds));
    // The rule goes by the worker's clock. A worker whose clock stands still meets ours.
    const double our_seconds = (span.end_ms - span.begin_ms) / 1e3;
    return !rule.is_finished() && our_seconds < 2 * options.max_seconds + kClockGraceSeconds;
  });
  if (!done) return tl::unexpected(done.error());
  Reading<Speed> speed = measure::make_speed(std::move(samples), rule.summary());
  if (speed) return *speed;
  return tl::unexpected(failed(FailureClass::protocol_error, phase,
                               "the worker's samples give no speed: " + speed.reason()));
}

void TrialRunner::verify_full_depth(Trial& trial) {
  if (std::string why = why_full_depth_is_skipped(trial); !why.empty()) {
    trial.full_depth_note = std::move(why);
    return;
  }
  report(Phase::full_depth, 0);
  const auto done = held_->worker.full_depth(
      [this](const protocol::Progress& progress) { report(progress.phase, progress.fraction); });
  if (done) {
    trial.full_depth = FullDepth::verified;
    trial.full_depth_note =
        fmt::format("{}, filled by {}", tokens_in_words(*done), done->filled_by);
    if (auto times = measure::SampleSet::make(token_times(*done))) {
      trial.full_depth_ms = measure::median_interval(*times);
    }
  } else if (done.error().failure_class == FailureClass::cancelled) {
    trial.full_depth_note = "interrupted";
  } else {
    trial.full_depth = FullDepth::failed;
    trial.full_depth_note = done.error().message;
    trial.notes.push_back(fmt::format("unsafe: with its whole context in use it fails ({})",
                                      to_string(done.error().failure_class)));
  }
}

// The worker fills the cache by copying a few tokens over it where the cache allows, or one
// sequence over the others where each has its own part, and decodes one piece of n_ubatch at its
// end, where a token costs more; a recurrent or hybrid model has to decode every token.
std::string TrialRunner::why_full_depth_is_skipped(const Trial& trial) const {
  if (request_.full_depth == FullDepthPolicy::never) return "switched off (--full-depth never)";
  if (request_.full_depth == FullDepthPolicy::always || !trial.prompt) return {};
  const std::uint32_t n_ctx = trial.effective ? trial.effective->n_ctx : 0;
  const std::uint32_t n_ubatch = trial.effective ? trial.effective->n_ubatch : 0;
  const bool decodes_all = model_.recurrent || model_.hybrid;
  const std::uint32_t parts = context_parts(trial.config.context);
  const std::uint32_t decoded = parts > 1 ? n_ctx / parts + n_ubatch : 2 * n_ubatch;
  const double tokens = decodes_all ? n_ctx : std::min(n_ctx, decoded);
  const double seconds = tokens / trial.prompt->tokens_per_second.value;
  if (seconds <= request_.full_depth_budget_seconds) return {};
  return fmt::format("would take about {}; --full-depth always does it", format_seconds(seconds));
}

void TrialRunner::note_peaks(const devices::Window& window) {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const std::string* pci = pci_of(used_[i]);
    const auto seen = pci != nullptr ? window.find(*pci) : window.end();
    if (seen != window.end()) {
      keep_larger(uses_[i].used_peak_bytes, seen->second.memory_used_max_bytes);
      keep_larger(uses_[i].spilled_peak_bytes, seen->second.spilled_max_bytes);
    }
  }
}

void TrialRunner::note_peaks(const devices::Snapshot& snapshot) {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const std::string* pci = pci_of(used_[i]);
    const DeviceStatus* status = pci != nullptr ? snapshot.find(*pci) : nullptr;
    if (status == nullptr) continue;
    keep_larger(uses_[i].used_peak_bytes, status->memory_used_bytes);
    keep_larger(uses_[i].spilled_peak_bytes, status->spilled_bytes);
  }
}

void TrialRunner::take_telemetry(const devices::Window& window, Trial& trial) const {
  trial.telemetry = absent_telemetry(
      {used_.empty() ? "no device takes part in it" : "no driver interface knows the device"});
  for (const DeviceReport& target : used_) {
    const std::string* pci = pci_of(target);
    const auto seen = pci != nullptr ? window.find(*pci) : window.end();
    if (seen == window.end()) continue;
    trial.telemetry = seen->second.telemetry;
    return;
  }
}

void TrialRunner::account_memory(Trial& trial) const {
  if (!trial.effective) return;
  if (used_.empty() && !targets_.empty()) {
    const Absence no_part{"no device takes part in it"};
    trial.driver_rise_bytes = trial.used_by_others_bytes = no_part;
    trial.vram_used_bytes = offloaded_bytes(trial.memory);
    trial.vram_percent = 0.0;
    trial.vram_source = "llama.cpp";
    return;
  }
  VramAccount account = account_vram(uses_, trial.memory, request_.vram_limit_bytes);
  trial.driver_rise_bytes = account.driver_rise_bytes;
  trial.used_by_others_bytes = account.used_by_others_bytes;
  trial.vram_used_bytes = account.vram_used_bytes;
  trial.vram_percent = account.vram_percent;
  trial.vram_source = account.source;
  std::move(account.notes.begin(), account.notes.end(), std::back_inserter(trial.notes));
}

// A model that is replaced while it is measured gives numbers that belong to neither file (R25).
void TrialRunner::check_file_is_the_same(Trial& trial) const {
  for (const FileStamp& stamp : model_.files) {
    struct stat now {};
    const bool there = stat(stamp.path.c_str(), &now) == 0;
    const std::int64_t mtime_ns = now.st_mtim.tv_sec * 1'000'000'000 + now.st_mtim.tv_nsec;
    if (there && static_cast<std::uint64_t>(now.st_size) == stamp.size_bytes &&
        mtime_ns == stamp.mtime_ns && now.st_ino == stamp.inode) {
      continue;
    }
    trial.failure = failed(FailureClass::model_invalid, Phase::load,
                           "the model file changed while it was measured: " + stamp.path);
    return;
  }
}

void TrialRunner::report(Phase phase, double fraction) const {
  if (observer_) observer_(TrialProgress{phase, fraction});
}

}  // namespace sweetspot::profiler
