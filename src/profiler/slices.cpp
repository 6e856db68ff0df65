#include "profiler/slices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <utility>

#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "measure/stopping_rule.hpp"
#include "process/host_memory.hpp"

namespace sweetspot::profiler {
namespace {

using Clock = std::chrono::steady_clock;
using protocol::MeasureKind;
using search::MeasuredSlices;
using search::SliceTimes;

/// As in a trial, so that predictions and trials speak of the same tokens.
constexpr std::uint32_t kTokensPerPass = 32;
/// Of one seat in one round.
constexpr double kBurstSeconds = 0.15;
/// Where seats have to be loaded for each round: rounds are few, so each has to say more.
constexpr double kBurstSecondsIfLoading = 1;
/// Cut from each burst: they find what the slice before left in the caches.
constexpr std::uint32_t kColdSamples = 2;
constexpr std::uint32_t kFewestSamples = 6;  ///< of a burst, cold ones left out
/// Of the time, for prompts: a pass of one is long, and few are enough.
constexpr double kPromptShare = 0.5;
constexpr std::uint32_t kFewestRounds = 3;  ///< say something of their spread
constexpr std::uint32_t kFewestPrompts = 2;
/// A slice's file, and the weights that are repacked from it.
constexpr std::uint64_t kHostCopies = 2;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

enum class Place { cpu, device, mixed };

/// One slice in one place.
struct Seat {
  search::SliceSize size;
  Place place = Place::cpu;
  double SliceTimes::*target = nullptr;  ///< where its time goes; none where mixed
  int layers = 0;
  bool resident = true;  ///< keeps its worker between rounds
  std::optional<engine::Worker> worker = {};
  double ms_per_token = 0;  ///< the last burst, to size the next
};

std::vector<Seat> seats_for(const search::SlicePlan& plan, bool has_device) {
  std::vector<Seat> seats;
  const auto add = [&](const search::SliceSize& size, double SliceTimes::*target) {
    seats.push_back({size, Place::cpu, target});
    if (has_device) seats.push_back({size, Place::device, target, size.blocks + 1});
  };
  add(plan.small, &SliceTimes::small);
  add(plan.large, &SliceTimes::large);
  if (plan.rows) add(*plan.rows, &SliceTimes::rows);
  if (has_device) {
    seats.push_back({plan.large, Place::mixed, nullptr, 1 + search::mixed_blocks(plan)});
  }
  return seats;
}

void put(MeasuredSlices& times, const Seat& seat, double ms) {
  if (seat.place == Place::mixed) {
    times.mixed = ms;
  } else if (seat.place == Place::cpu) {
    times.cpu.*seat.target = ms;
  } else {
    if (!times.device) times.device.emplace();
    (*times.device).*seat.target = ms;
  }
}

/// Why slices cannot speak for this placement, or nothing.
std::string unsliceable(const Placement& placement, int blocks) {
  const auto in_part = [&](int count) { return count > 0 && count < blocks; };
  if (!placement.override_tensor.empty()) return "--override-tensor may name single blocks";
  if (in_part(placement.n_cpu_moe) || in_part(placement.n_cpu_ffn)) {
    return "weights of only some blocks stay on the CPU, so the blocks are not alike";
  }
  if (placement.devices.size() > 1) return "a few blocks cannot be shared out to several devices";
  return {};
}

protocol::MeasureRequest generation_request(const Workload& workload, std::uint32_t samples) {
  const std::uint32_t per_pass = std::clamp(workload.n_gen, 1U, kTokensPerPass);
  const std::uint32_t before = workload.n_gen > per_pass ? (workload.n_gen - per_pass) / 2 : 0;
  return {MeasureKind::generation, workload.n_depth + before, per_pass, samples};
}

protocol::MeasureRequest prompt_request(const Workload& workload, std::uint32_t tokens) {
  return {MeasureKind::prompt, workload.n_depth, tokens, 1};
}

/// The mean, not the median: means of parts add up to the mean of the whole, and a token of the
/// whole model is long enough to meet what interrupts only some tokens of a slice.
double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<std::size_t>(1, values.size()));
}

Estimate with_model_error(Estimate estimate) {
  const double error = estimate.value * kSliceModelError;
  return {estimate.value, std::max(0.0, estimate.low - error), estimate.high + error};
}

/// Ends the rounds when a token's time at either end of the layer counts is known well enough.
class Rules {
 public:
  Rules(double precision, double max_seconds)
      : first_(options(precision, max_seconds)), last_(first_) {}

  void add(const std::vector<double>& by_layers, double now_seconds) {
    const auto sample = [&](double ms) { return Sample{now_seconds * 1e3, ms, 1}; };
    first_.add(sample(by_layers.front()));
    last_.add(sample(by_layers.back()));
  }
  [[nodiscard]] bool finished() const { return first_.is_finished() && last_.is_finished(); }

 private:
  static measure::StoppingOptions options(double precision, double max_seconds) {
    measure::StoppingOptions options;
    options.target_half_width = precision;
    options.max_seconds = max_seconds;
    options.min_samples = measure::kFewestForInterval;
    options.passes_in_a_row = 2;
    options.min_warm_up = 0;  // each burst has its own
    return options;
  }

  measure::StoppingRule first_;
  measure::StoppingRule last_;
};

class SliceRun {
 public:
  SliceRun(const SliceJob& job, search::SlicePlan plan)
      : job_(job), plan_(std::move(plan)), seats_(seats_for(plan_, job.has_device)) {}

  Reading<SlicePrediction> run();

 private:
  void choose_residents();
  Outcome<void> fill(Seat& seat);
  Outcome<void> fill_residents();
  Outcome<double> burst(Seat& seat, double seconds);
  Outcome<double> prompt(Seat& seat);
  Outcome<void> measure(Seat& seat, MeasuredSlices& generation, MeasuredSlices* prompt);
  Outcome<void> rounds();
  [[nodiscard]] bool wants_prompt() const;
  [[nodiscard]] std::vector<Estimate> estimates(const std::vector<MeasuredSlices>& rounds) const;
  [[nodiscard]] search::SliceCosts costs(const std::vector<MeasuredSlices>& rounds) const;
  [[nodiscard]] SlicePrediction result() const;
  void report(double fraction, const std::string& step) const {
    if (job_.on_progress) job_.on_progress(std::min(1.0, fraction), step);
  }

  const SliceJob& job_;
  search::SlicePlan plan_;
  std::vector<Seat> seats_;
  std::vector<MeasuredSlices> generations_;
  std::vector<MeasuredSlices> prompts_;
  std::uint64_t largest_bytes_ = 0;  ///< as loaded
  double load_seconds_ = 0;
  double measure_seconds_ = 0;
  double prompt_seconds_ = 0;
  std::vector<std::string> notes_;
};

Failure impossible(std::string message) {
  return {FailureClass::config_rejected, Phase::load, std::move(message), std::nullopt, ""};
}

// An RPC server serves one client at a time, so a worker that holds its device keeps others out.
void SliceRun::choose_residents() {
  const auto available = process::available_host_bytes();
  const std::uint64_t needed = plan_.largest_bytes * kHostCopies * seats_.size();
  const bool short_of_memory = available && needed + job_.start.host_reserve_bytes > *available;
  for (Seat& seat : seats_) {
    const bool over_rpc = !job_.start.rpc.empty() && seat.place != Place::cpu;
    seat.resident = !short_of_memory && !over_rpc;
  }
  if (short_of_memory) notes_.emplace_back("memory is short: slices were loaded for each round");
}

Outcome<void> SliceRun::fill(Seat& seat) {
  engine::StartOptions start = job_.start;
  if (seat.place == Place::cpu) start.rpc.clear();
  auto worker = engine::Worker::start(start);
  if (!worker) return tl::unexpected(worker.error());
  const auto& devices = worker->hello().devices;
  const auto targets = std::count_if(devices.begin(), devices.end(),
                                     [](const Device& device) { return device.can_offload(); });
  if (targets > 1 && job_.base.placement.devices.empty()) {
    return tl::unexpected(impossible("a few blocks cannot be shared out to several devices"));
  }
  Placement placement = job_.base.placement;
  placement.n_gpu_layers = seat.layers;
  if (seat.place == Place::cpu && !job_.start.rpc.empty()) placement.devices.clear();
  const protocol::Slice slice{static_cast<std::uint32_t>(seat.size.first_block),
                              static_cast<std::uint32_t>(seat.size.blocks), seat.size.vocab_rows};
  const auto loaded = worker->load({job_.model.path, placement, slice}, plan_.largest_bytes);
  if (!loaded) return tl::unexpected(loaded.error());
  if (loaded->n_gpu_layers.value_or(seat.layers) != seat.layers) {
    return tl::unexpected(impossible(fmt::format("llama.cpp offloaded {} layers of a slice, not {}",
                                                 *loaded->n_gpu_layers, seat.layers)));
  }
  if (loaded->slice) largest_bytes_ = std::max(largest_bytes_, loaded->slice->total_bytes);
  const auto context = worker->context(job_.base.context);
  if (!context) return tl::unexpected(context.error());
  seat.worker.emplace(*std::move(worker));
  return {};
}

Outcome<void> SliceRun::fill_residents() {
  const auto start = Clock::now();
  for (Seat& seat : seats_) {
    if (!seat.resident) continue;
    report(0, "loading slices");
    auto filled = fill(seat);
    const bool no_room =
        !filled && filled.error().failure_class == FailureClass::out_of_device_memory;
    if (!filled && !no_room) return filled;
    if (!no_room) continue;
    for (Seat& other : seats_) {
      other.resident = other.place == Place::cpu;
      if (!other.resident) other.worker.reset();
    }
    notes_.emplace_back("device memory is short: slices were loaded for each round");
  }
  load_seconds_ = seconds_since(start);
  return {};
}

Outcome<double> SliceRun::burst(Seat& seat, double seconds) {
  std::uint32_t samples = kFewestSamples;
  if (seat.ms_per_token > 0) {
    const double wanted = std::clamp(seconds * 1e3 / seat.ms_per_token, 1.0, 200.0);
    samples = std::max(samples, static_cast<std::uint32_t>(wanted));
  }
  std::vector<double> times;
  const auto done = seat.worker->measure(generation_request(job_.workload, samples + kColdSamples),
                                         Phase::generation, [&](const Sample& sample) {
                                           times.push_back(sample.duration_ms);
                                           return true;
                                         });
  if (!done) return tl::unexpected(done.error());
  if (times.size() > kColdSamples) times.erase(times.begin(), times.begin() + kColdSamples);
  seat.ms_per_token = mean_of(times);
  return seat.ms_per_token;
}

Outcome<double> SliceRun::prompt(Seat& seat) {
  const auto pass = [&](std::uint32_t tokens) -> Outcome<double> {
    double ms = 0;
    const auto done = seat.worker->measure(prompt_request(job_.workload, tokens), Phase::prompt,
                                           [&](const Sample& sample) {
                                             ms = sample.duration_ms / sample.tokens;
                                             return true;
                                           });
    if (!done) return tl::unexpected(done.error());
    return ms;
  };
  // The first batch of a context touches its buffers for the first time.
  if (prompts_.empty() || !seat.resident) {
    const std::uint32_t few = std::min(job_.workload.n_prompt, job_.base.context.n_ubatch);
    if (auto warm = pass(std::min(few, 64U)); !warm) return warm;
  }
  return pass(job_.workload.n_prompt);
}

Outcome<void> SliceRun::measure(Seat& seat, MeasuredSlices& generation, MeasuredSlices* prompts) {
  if (!seat.resident) {
    if (auto filled = fill(seat); !filled) return filled;
  }
  if (seat.ms_per_token == 0 || !seat.resident) {
    if (auto warm = burst(seat, 0); !warm) return tl::unexpected(warm.error());
  }
  const bool all_stay =
      std::all_of(seats_.begin(), seats_.end(), [](const Seat& other) { return other.resident; });
  const auto ms = burst(seat, all_stay ? kBurstSeconds : kBurstSecondsIfLoading);
  if (!ms) return tl::unexpected(ms.error());
  put(generation, seat, *ms);
  if (prompts != nullptr) {
    const auto start = Clock::now();
    const auto prompt_ms = prompt(seat);
    if (!prompt_ms) return tl::unexpected(prompt_ms.error());
    put(*prompts, seat, *prompt_ms);
    prompt_seconds_ += seconds_since(start);
  }
  if (!seat.resident) seat.worker.reset();
  return {};
}

bool SliceRun::wants_prompt() const {
  if (job_.workload.n_prompt == 0) return false;
  if (prompts_.size() < kFewestPrompts) return true;
  const auto passes = static_cast<double>(prompts_.size());
  return prompt_seconds_ * (passes + 1) / passes < job_.max_seconds * kPromptShare;
}

Outcome<void> SliceRun::rounds() {
  const auto start = Clock::now();
  Rules rules(job_.precision, job_.max_seconds);
  while (generations_.size() < kFewestRounds ||
         (seconds_since(start) < job_.max_seconds && !rules.finished())) {
    MeasuredSlices generation;
    MeasuredSlices prompt;
    const bool with_prompt = wants_prompt();
    for (Seat& seat : seats_) {
      auto measured = measure(seat, generation, with_prompt ? &prompt : nullptr);
      if (!measured) return measured;
      report(seconds_since(start) / job_.max_seconds, "measuring slices");
    }
    generations_.push_back(generation);
    if (with_prompt) prompts_.push_back(prompt);
    rules.add(search::times_by_layers(job_.model, plan_, generation), seconds_since(start));
  }
  measure_seconds_ = seconds_since(start);
  return {};
}

std::vector<Estimate> SliceRun::estimates(const std::vector<MeasuredSlices>& rounds) const {
  std::vector<std::vector<double>> by_layers;
  for (const MeasuredSlices& round : rounds) {
    const auto times = search::times_by_layers(job_.model, plan_, round);
    by_layers.resize(times.size());
    for (std::size_t i = 0; i < times.size(); ++i) by_layers[i].push_back(times[i]);
  }
  std::vector<Estimate> estimates;
  for (auto& times : by_layers) {
    const auto set = measure::SampleSet::make(std::move(times));
    estimates.push_back(set ? with_model_error(measure::median_interval(*set)) : Estimate{});
  }
  return estimates;
}

search::SliceCosts SliceRun::costs(const std::vector<MeasuredSlices>& rounds) const {
  using search::SliceCosts;
  std::vector<SliceCosts> each;
  for (const MeasuredSlices& round : rounds) {
    each.push_back(search::costs_of(job_.model, plan_, round));
  }
  SliceCosts middle;
  if (each.empty()) return middle;
  for (const auto member :
       {&SliceCosts::cpu_block_ms, &SliceCosts::cpu_output_ms, &SliceCosts::cpu_rest_ms,
        &SliceCosts::device_block_ms, &SliceCosts::device_output_ms, &SliceCosts::device_rest_ms,
        &SliceCosts::mixed_rest_ms}) {
    // Noise takes a small cost below 0, where no time can be: a median of its own.
    std::nth_element(
        each.begin(), each.begin() + static_cast<std::ptrdiff_t>(each.size() / 2), each.end(),
        [&](const SliceCosts& a, const SliceCosts& b) { return a.*member < b.*member; });
    middle.*member = each[each.size() / 2].*member;
  }
  return middle;
}

SlicePrediction SliceRun::result() const {
  SlicePrediction prediction;
  prediction.generation_ms_by_layers = estimates(generations_);
  prediction.prompt_ms_by_layers = estimates(prompts_);
  prediction.generation_costs = costs(generations_);
  prediction.prompt_costs = costs(prompts_);
  prediction.plan = plan_;
  const std::uint64_t largest = largest_bytes_ > 0 ? largest_bytes_ : plan_.largest_bytes;
  prediction.weight_share = static_cast<double>(largest) /
                            static_cast<double>(std::max<std::uint64_t>(1, plan_.model_bytes));
  prediction.rounds = static_cast<std::uint32_t>(generations_.size());
  prediction.load_seconds = load_seconds_;
  prediction.measure_seconds = measure_seconds_;
  prediction.notes = plan_.notes;
  prediction.notes.insert(prediction.notes.end(), notes_.begin(), notes_.end());
  return prediction;
}

Reading<SlicePrediction> SliceRun::run() {
  choose_residents();
  if (auto filled = fill_residents(); !filled) return Absence{filled.error().message};
  if (auto measured = rounds(); !measured) return Absence{measured.error().message};
  return result();
}

}  // namespace

Reading<SlicePrediction> predict_by_slices(const SliceJob& job) {
  const std::string problem = unsliceable(job.base.placement, job.model.n_layer);
  if (!problem.empty()) return Absence{problem};
  auto plan = search::plan_slices(job.model, job.cache_bytes, job.rules);
  if (!plan) return Absence{plan.reason()};
  return SliceRun(job, *plan).run();
}

}  // namespace sweetspot::profiler
