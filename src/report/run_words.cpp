#include "report/run_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

constexpr std::size_t kMostCharsOfANote = 300;

// What stalls take from a whole answer before it is worth a word: more than what loads differ by.
constexpr double kWorthAWord = 0.1;

// "1.6 to 4.5": half-widths in percent of the speeds that ended at a limit.
std::string reached_precision(const Run& run, const std::vector<std::size_t>& capped) {
  double least = 0;
  double most = 0;
  for (const std::size_t index : capped) {
    const Estimate& speed = run.results[index].speed()->tokens_per_second;
    const double percent = 100 * (speed.high - speed.low) / 2 / speed.value;
    least = index == capped.front() ? percent : std::min(least, percent);
    most = index == capped.front() ? percent : std::max(most, percent);
  }
  const std::string low = fmt::format("{:.1f}", least);
  const std::string high = fmt::format("{:.1f}", most);
  return low == high ? high : fmt::format("{} to {}", low, high);
}

std::string precision_doubt(const Run& run, const std::vector<std::size_t>& results) {
  std::vector<std::size_t> capped;
  for (const std::size_t index : results) {
    const Trial& trial = run.results[index];
    if (!trial.measured() || trial.uncertain()) continue;
    const StopReason reason = trial.speed()->stop_reason;
    if (reason == StopReason::time_cap || reason == StopReason::sample_cap) capped.push_back(index);
  }
  if (capped.empty()) return {};
  return fmt::format("{} known to {}{} % only (time limit); --max-seconds measures longer.",
                     capped.size() == results.size() ? "Speeds are" : "Some speeds are",
                     plus_minus(), reached_precision(run, capped));
}

// Of the one that loses most; a machine that pauses does so whatever the setting.
std::string stall_doubt(const Run& run, const std::vector<std::size_t>& results) {
  const Trial* most = nullptr;
  double least_share = 1 - kWorthAWord;
  double slowest = 0;
  for (const std::size_t index : results) {
    const Trial& trial = run.results[index];
    if (!trial.generation || trial.uncertain()) continue;
    const double whole = tokens_per_second_by_all_time(*trial.generation);
    const double share = whole / trial.generation->tokens_per_second.value;
    if (share <= 0 || share > least_share) continue;
    least_share = share;
    slowest = whole;
    most = &trial;
  }
  if (most == nullptr) return {};
  return fmt::format(
      "Some tokens take far longer than the others: a whole answer runs at {} tokens/s ({}).",
      number_text(slowest), placed_in_words(*most));
}

}  // namespace

std::string speed_unit(const Workload& workload) {
  return workload.generates() ? "tokens/s" : "inputs/s";
}

std::string speed_with_interval(const Trial& trial) {
  if (!trial.workload.generates()) return or_dash(trial.inputs_per_second(), estimate_text);
  return speed_cell(trial.generation);
}

std::string speed_in_words(const Trial& trial) {
  const std::string unit = speed_unit(trial.workload);
  if (!trial.workload.generates()) {
    return or_dash(trial.inputs_per_second(),
                   [](const Estimate& speed) { return number_text(speed.value); }) +
           " " + unit;
  }
  if (!trial.generation) return kAbsent;
  return number_text(trial.generation->tokens_per_second.value) + " " + unit;
}

std::string layers_of_all(const Run& run, const Trial& trial) {
  if (uses_no_device(trial.config.placement)) return kCpuAloneTitle;
  return fmt::format("{} of {} layers", trial.layers, run.model.offloadable_layers());
}

std::string time_taken(const Run& run) {
  const std::optional<double> seconds = seconds_apart(run.started_at, run.finished_at);
  return seconds ? "in " + format_seconds(*seconds) : std::string();
}

std::vector<std::string> doubts_about(const Run& run, const std::vector<std::size_t>& results) {
  std::vector<std::string> doubts;
  std::set<std::string> said;
  const auto add = [&](const std::string& doubt) {
    if (said.insert(doubt).second) doubts.push_back(doubt);
  };
  for (const std::size_t index : results) {
    const Trial& trial = run.results[index];
    const std::string which = placed_in_words(trial);
    if (trial.uncertain()) {
      add(which +
          ": the speed is too uncertain to decide anything; measure again with nothing else "
          "running, or longer (--max-seconds).");
    }
    for (const Disturbance one : trial.disturbances) {
      const auto why =
          std::find_if(trial.notes.begin(), trial.notes.end(),
                       [&](const std::string& note) { return note.starts_with(to_string(one)); });
      add(fmt::format(
          "{}: {}.", which,
          why == trial.notes.end() ? label_of(trial, one) : printable(*why, kMostCharsOfANote)));
    }
  }
  for (const std::string& doubt : {stall_doubt(run, results), precision_doubt(run, results)}) {
    if (!doubt.empty()) add(doubt);
  }
  return doubts;
}

std::vector<std::string> failures_in_words(const Run& run, const std::string& what) {
  std::vector<std::string> classes;
  std::size_t failed = 0;
  for (const Trial& trial : run.results) {
    if (!trial.failure) continue;
    ++failed;
    std::string name(to_string(trial.failure->failure_class));
    std::replace(name.begin(), name.end(), '-', ' ');
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) classes.push_back(name);
  }
  if (failed == 0) return {};
  return {fmt::format("{} of {} {} failed: {}.", failed, run.results.size(), what,
                      fmt::join(classes, ", "))};
}

std::vector<std::string> notices_of(const Run& run) {
  std::vector<std::string> notices;
  notices.reserve(run.notices.size());
  for (const std::string& notice : run.notices) {
    notices.push_back(printable(notice, kMostCharsOfANote));
  }
  return notices;
}

}  // namespace sweetspot::report
