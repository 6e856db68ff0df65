#include "profiler/trial_runner.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/text.hpp"
#include "devices/inventory.hpp"
#include "devices/release_wait.hpp"
#include "measure/agreement.hpp"
#include "measure/speed.hpp"
#include "measure/stopping_rule.hpp"
#include "profiler/watch.hpp"

namespace sweetspot::profiler {
namespace {

constexpr std::chrono::milliseconds kFreshDeadline{500};

// Tokens generated per pass. The pass is laid around the middle of the generation, where the cost
// of a token is the mean over all of them as long as it grows evenly with depth.
constexpr std::uint32_t kTokensPerPass = 32;

// What a generation may take of a trial's time; the prompt gets what is left.
constexpr double kGenerationShare = 0.6;

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

double seconds_measured(const std::vector<Sample>& samples) {
  double sum_ms = 0;
  for (const Sample& sample : samples) sum_ms += sample.duration_ms;
  return sum_ms / 1e3;
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
}

Trial TrialRunner::run(const search::SweepPoint& point, const Forecast* forecast) {
  Trial trial = blank_trial(point);
  if (forecast != nullptr) {
    trial.predicted = forecast->memory;
    trial.missing_bytes = forecast->missing_bytes;
    if (forecast->missing_bytes.value_or(0) > 0 && !request_.try_anyway) {
      trial.failure = failed(FailureClass::does_not_fit, Phase::plan,
                             forecast->sentence + "; --try-anyway loads it all the same");
      return trial;
    }
  }
  if (point.not_tried) {
    trial.failure = point.not_tried;
    return trial;
  }
  if (stuck_) {
    trial.failure =
        failed(FailureClass::device_lost, Phase::start,
               "not tried: an earlier worker could not be ended and still holds the device");
    return trial;
  }
  wait_for_memory(trial);
  read_devices_before(nullptr);
  Outcome<engine::Worker> worker = engine::Worker::start(request_.start);
  if (!worker) {
    trial.failure = worker.error();
    return trial;
  }
  read_devices_before(&*worker);
  if (const Outcome<void> measured = measure(*worker, trial); !measured) {
    trial.failure = measured.error();
  }
  account_memory(trial);
  mark_spill(trial, uses_);
  if (!worker->end()) {
    stuck_ = true;
    trial.notes.emplace_back("the worker could not be ended: the device needs attention");
  }
  check_file_is_the_same(trial);
  return trial;
}

Trial TrialRunner::blank_trial(const search::SweepPoint& point) const {
  Trial trial;
  trial.requested_layers = point.requested_layers;
  trial.layers = point.layers;
  trial.config = request_.base;
  trial.config.placement.n_gpu_layers = point.layers;
  trial.workload = request_.workload;
  trial.started_at = utc_now();
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
  if (result.outcome == devices::ReleaseOutcome::after_wait ||
      result.outcome == devices::ReleaseOutcome::did_not_return) {
    trial.notes.push_back(result.sentence());
  }
}

// Called twice: without a worker for what drivers say (a worker that lists CUDA devices already
// takes memory), then with it for devices that only ggml knows.
void TrialRunner::read_devices_before(const engine::Worker* worker) {
  if (worker == nullptr) {
    uses_.clear();
    const devices::Snapshot snapshot = sampler_.fresh(kFreshDeadline);
    for (const DeviceReport& target : targets_) {
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

Outcome<void> TrialRunner::measure(engine::Worker& worker, Trial& trial) {
  if (auto loaded = load(worker, trial); !loaded) return loaded;
  if (auto checked = check_output(worker, trial); !checked) return checked;
  if (auto measured = measure_speeds(worker, trial); !measured) return measured;
  verify_full_depth(worker, trial);
  note_peaks(sampler_.fresh(kFreshDeadline));
  return {};
}

Outcome<void> TrialRunner::load(engine::Worker& worker, Trial& trial) {
  report(Phase::load, 0);
  const auto loaded = worker.load(
      {model_.path, trial.config.placement}, model_.size_bytes,
      [this](const protocol::Progress& progress) { report(progress.phase, progress.fraction); });
  if (!loaded) return tl::unexpected(loaded.error());
  trial.load_seconds = loaded->seconds;
  report(Phase::context, -1);
  const auto context = worker.context(trial.config.context);
  if (!context) return tl::unexpected(context.error());
  trial.effective = context->effective;
  trial.effective->n_gpu_layers = loaded->n_gpu_layers;
  if (loaded->n_gpu_layers && *loaded->n_gpu_layers != trial.layers) {
    trial.notes.push_back(
        fmt::format("llama.cpp offloaded {} layers, not {}", *loaded->n_gpu_layers, trial.layers));
  }
  trial.memory = context->memory;
  if (trial.memory.empty() && !context->memory_note.empty()) {
    trial.notes.push_back("memory: " + context->memory_note);
  }
  return {};
}

// Finite output is not enough (R14): a config that computes something else than the first one
// measured, which has the fewest layers on a device, is as useless as one that crashes.
Outcome<void> TrialRunner::check_output(engine::Worker& worker, Trial& trial) {
  report(Phase::warm_up, -1);
  const auto checked = worker.check();
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
Outcome<void> TrialRunner::measure_speeds(engine::Worker& worker, Trial& trial) {
  process::CancelToken* cancel = request_.start.cancel;
  WatchWorld world = watch_world(sampler_, addresses_of(targets_), worker.pid(),
                                 [cancel] { return cancel != nullptr && cancel->cancelled(); });
  world.processes_known = processes_known_;
  SpeedSpans spans;
  Watched watched = measure_undisturbed(world, [&]() -> Measurement {
    spans = {};
    Outcome<void> outcome = measure_once(worker, trial, spans);
    return {std::move(outcome), {spans.generation, spans.prompt}};
  });
  processes_known_ = watched.processes_known;
  note_peaks(watched.window);
  take_telemetry(watched.window, trial);
  if (!watched.outcome) return watched.outcome;
  mark(trial, watched);
  take_energy(trial, devices_in(watched.window, world.pci_bus_ids), spans);
  return {};
}

Outcome<void> TrialRunner::measure_once(engine::Worker& worker, Trial& trial, SpeedSpans& spans) {
  const bool with_prompt = trial.workload.n_prompt > 0;
  trial.generation.reset();  // of a measurement that was disturbed
  trial.prompt.reset();
  Outcome<Speed> generation = measure_speed(
      worker, generation_request(trial.workload), Phase::generation,
      request_.max_seconds * (with_prompt ? kGenerationShare : 1.0), spans.generation);
  Outcome<Speed> prompt = Speed{};
  if (generation && with_prompt) {
    prompt = measure_speed(worker, prompt_request(trial.workload), Phase::prompt,
                           request_.max_seconds - seconds_measured(generation->raw), spans.prompt);
  }
  if (!generation) return tl::unexpected(generation.error());
  if (!prompt) return tl::unexpected(prompt.error());
  trial.generation = std::move(*generation);
  if (with_prompt) trial.prompt = std::move(*prompt);
  return {};
}

Outcome<Speed> TrialRunner::measure_speed(engine::Worker& worker,
                                          const protocol::MeasureRequest& what, Phase phase,
                                          double max_seconds, Span& span) {
  measure::StoppingOptions options;
  options.target_half_width = request_.precision;
  options.max_seconds = max_seconds;
  measure::StoppingRule rule(options);
  protocol::MeasureRequest request = what;
  request.max_samples = options.max_samples;
  std::vector<Sample> samples;
  double elapsed_ms = 0;
  const auto done = worker.measure(request, phase, [&](const Sample& sample) {
    // Samples already under way when the rule was met are not part of what it judged.
    if (rule.is_finished()) return false;
    span.end_ms = devices::steady_now_ms();
    if (samples.empty()) span.begin_ms = span.end_ms;
    samples.push_back(sample);
    rule.add(sample);
    elapsed_ms += sample.duration_ms;
    report(phase, std::min(1.0, elapsed_ms / 1e3 / max_seconds));
    return !rule.is_finished();
  });
  if (!done) return tl::unexpected(done.error());
  Reading<Speed> speed = measure::make_speed(std::move(samples), rule.verdict());
  if (speed) return *speed;
  return tl::unexpected(failed(FailureClass::protocol_error, phase,
                               "the worker's samples give no speed: " + speed.reason()));
}

void TrialRunner::verify_full_depth(engine::Worker& worker, Trial& trial) {
  if (std::string why = why_full_depth_is_skipped(trial); !why.empty()) {
    trial.full_depth_note = std::move(why);
    return;
  }
  report(Phase::full_depth, 0);
  const auto done = worker.full_depth(
      [this](const protocol::Progress& progress) { report(progress.phase, progress.fraction); });
  if (done) {
    trial.full_depth = FullDepth::verified;
    trial.full_depth_note = fmt::format("{} tokens, filled by {}", done->n_ctx, done->filled_by);
  } else if (done.error().failure_class == FailureClass::cancelled) {
    trial.full_depth_note = "interrupted";
  } else {
    trial.full_depth = FullDepth::failed;
    trial.full_depth_note = done.error().message;
    trial.notes.push_back(fmt::format("unsafe: with its whole context in use it fails ({})",
                                      to_string(done.error().failure_class)));
  }
}

// The worker fills the cache by copying one batch over it where the cache allows, so two batches
// are decoded; a recurrent or hybrid model has to decode every token.
std::string TrialRunner::why_full_depth_is_skipped(const Trial& trial) const {
  if (request_.full_depth == FullDepthPolicy::never) return "switched off (--full-depth never)";
  if (request_.full_depth == FullDepthPolicy::always || !trial.prompt) return {};
  const std::uint32_t n_ctx = trial.effective ? trial.effective->n_ctx : 0;
  const std::uint32_t n_ubatch = trial.effective ? trial.effective->n_ubatch : 0;
  const bool decodes_all = model_.recurrent || model_.hybrid;
  const double tokens = decodes_all ? n_ctx : std::min(n_ctx, 2 * n_ubatch);
  const double seconds = tokens / trial.prompt->tokens_per_second.value;
  if (seconds <= request_.full_depth_budget_seconds) return {};
  return fmt::format("would take about {}; --full-depth always does it", format_seconds(seconds));
}

void TrialRunner::note_peaks(const devices::Window& window) {
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const std::string* pci = pci_of(targets_[i]);
    const auto seen = pci != nullptr ? window.find(*pci) : window.end();
    if (seen != window.end()) {
      keep_larger(uses_[i].used_peak_bytes, seen->second.memory_used_max_bytes);
      keep_larger(uses_[i].spilled_peak_bytes, seen->second.spilled_max_bytes);
    }
  }
}

void TrialRunner::note_peaks(const devices::Snapshot& snapshot) {
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const std::string* pci = pci_of(targets_[i]);
    const DeviceStatus* status = pci != nullptr ? snapshot.find(*pci) : nullptr;
    if (status == nullptr) continue;
    keep_larger(uses_[i].used_peak_bytes, status->memory_used_bytes);
    keep_larger(uses_[i].spilled_peak_bytes, status->spilled_bytes);
  }
}

void TrialRunner::take_telemetry(const devices::Window& window, Trial& trial) const {
  trial.telemetry = absent_telemetry({targets_.empty() ? "there is no device to offload to"
                                                       : "no driver interface knows the device"});
  for (const DeviceReport& target : targets_) {
    const std::string* pci = pci_of(target);
    const auto seen = pci != nullptr ? window.find(*pci) : window.end();
    if (seen == window.end()) continue;
    trial.telemetry = seen->second.telemetry;
    return;
  }
}

void TrialRunner::account_memory(Trial& trial) const {
  if (!trial.effective) return;
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
