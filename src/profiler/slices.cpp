#include "profiler/slices.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ground/clock.hpp"
#include "measure/sample_set.hpp"
#include "measure/statistics.hpp"
#include "measure/stopping_rule.hpp"
#include "process/host_memory.hpp"
#include "profiler/slice_seat.hpp"

namespace sweetspot::profiler {
namespace {

using Clock = std::chrono::steady_clock;
using search::MeasuredSlices;
using search::SliceTimes;

/// Of one seat in one round.
constexpr double kBurstSeconds = 0.15;
/// Where seats have to be loaded for each round: rounds are few, so each has to say more.
constexpr double kBurstSecondsIfLoading = 1;
/// Of the time, for prompts: a pass of one is long, and few are enough.
constexpr double kPromptShare = 0.5;
constexpr std::uint32_t kFewestRounds = 3;  ///< say something of their spread
constexpr std::uint32_t kFewestPrompts = 2;
/// A slice's file, and the weights that are repacked from it.
constexpr std::uint64_t kHostCopies = 2;

struct Seat {
  SliceSeat seat;
  double SliceTimes::*target = nullptr;  ///< where its time goes; none where mixed
  bool resident = true;                  ///< stays loaded between rounds
};

std::vector<Seat> seats_for(const SliceJob& job, const search::SlicePlan& plan) {
  std::vector<Seat> seats;
  const auto add = [&](const search::SliceSize& size, double SliceTimes::*target) {
    seats.push_back({{job, size, SlicePlace::cpu, 0}, target});
    if (!job.has_device) return;
    seats.push_back({{job, size, SlicePlace::device, size.blocks + 1}, target});
  };
  add(plan.small, &SliceTimes::small);
  add(plan.large, &SliceTimes::large);
  if (plan.rows) add(*plan.rows, &SliceTimes::rows);
  if (job.has_device) {
    seats.push_back({{job, plan.large, SlicePlace::mixed, 1 + search::mixed_blocks(plan)}});
  }
  return seats;
}

void put(MeasuredSlices& times, const Seat& seat, double ms) {
  switch (seat.seat.place()) {
    case SlicePlace::mixed:
      times.mixed = ms;
      break;
    case SlicePlace::cpu:
      times.cpu.*seat.target = ms;
      break;
    case SlicePlace::device:
      if (!times.device) times.device.emplace();
      (*times.device).*seat.target = ms;
      break;
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
      : job_(job), plan_(std::move(plan)), seats_(seats_for(job, plan_)) {}

  Reading<SlicePrediction> run();

 private:
  void choose_residents();
  Outcome<void> load_residents();
  void keep_only_the_cpu();
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
  double load_seconds_ = 0;
  double measure_seconds_ = 0;
  double prompt_seconds_ = 0;
  std::vector<std::string> notes_;
};

void SliceRun::choose_residents() {
  const auto available = job_.start.available_host_bytes ? job_.start.available_host_bytes()
                                                         : std::optional<std::uint64_t>();
  const std::uint64_t needed = plan_.largest_bytes * kHostCopies * seats_.size();
  const bool short_of_memory = available && needed + job_.start.host_reserve_bytes > *available;
  for (Seat& seat : seats_) {
    const bool over_rpc = is_over_rpc(job_) && seat.seat.place() != SlicePlace::cpu;
    seat.resident = !short_of_memory && !over_rpc;
  }
  if (short_of_memory) notes_.emplace_back("memory is short: slices were loaded for each round");
}

Outcome<void> SliceRun::load_residents() {
  const auto start = Clock::now();
  for (Seat& seat : seats_) {
    if (!seat.resident) continue;
    report(0, "loading slices");
    auto loaded = seat.seat.load(plan_.largest_bytes);
    if (loaded) continue;
    if (loaded.error().failure_class != FailureClass::out_of_device_memory) return loaded;
    keep_only_the_cpu();
  }
  load_seconds_ = seconds_since(start);
  return {};
}

void SliceRun::keep_only_the_cpu() {
  for (Seat& seat : seats_) {
    seat.resident = seat.seat.place() == SlicePlace::cpu;
    if (!seat.resident) seat.seat.unload();
  }
  notes_.emplace_back("device memory is short: slices were loaded for each round");
}

Outcome<void> SliceRun::measure(Seat& seat, MeasuredSlices& generation, MeasuredSlices* prompts) {
  if (!seat.resident) {
    if (auto loaded = seat.seat.load(plan_.largest_bytes); !loaded) return loaded;
  }
  const bool all_stay =
      std::all_of(seats_.begin(), seats_.end(), [](const Seat& other) { return other.resident; });
  const auto ms = seat.seat.generation(all_stay ? kBurstSeconds : kBurstSecondsIfLoading);
  if (!ms) return tl::unexpected(ms.error());
  put(generation, seat, *ms);
  if (prompts != nullptr) {
    const auto start = Clock::now();
    const auto prompt_ms = seat.seat.prompt();
    if (!prompt_ms) return tl::unexpected(prompt_ms.error());
    put(*prompts, seat, *prompt_ms);
    prompt_seconds_ += seconds_since(start);
  }
  if (!seat.resident) seat.seat.unload();
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
  each.reserve(rounds.size());
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
  std::uint64_t largest = 0;
  for (const Seat& seat : seats_) largest = std::max(largest, seat.seat.weight_bytes());
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
  if (auto loaded = load_residents(); !loaded) return Absence{loaded.error().message};
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
