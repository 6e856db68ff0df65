#include "report/tune_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/tune_settings.hpp"

namespace sweetspot::report {
namespace {

std::string mark_of(const Run& run, const TuneRecord& tune, std::size_t index) {
  if (tune.winner == index) return "*";
  if (baseline_of(tune) == index) return "=";
  return in_front(run, run.results[index].config) ? "+" : "";
}

std::string status_of(const Trial& trial) {
  if (trial.uncertain()) return "too uncertain";
  if (!trial.disturbances.empty()) return label_of(trial, trial.disturbances.front());
  if (trial.full_depth == FullDepth::failed) return "not safe";
  return trial.full_depth == FullDepth::verified ? "full context works" : "";
}

Row row_of(const Run& run, const TuneRecord& tune, const TriedSetting& setting) {
  const Trial& trial = run.results[setting.result];
  const std::string title = printable(setting.title);
  const std::string times = fmt::format("{}", setting.times);
  if (!trial.measured()) return {{"", title, times}, Emphasis::failure, failure_tail(trial)};
  return {{mark_of(run, tune, setting.result), title, times, speed_cell(trial.generation),
           speed_cell(trial.prompt), or_dash(trial.vram_used_bytes, format_bytes),
           or_dash(trial.vram_percent, percent_number), status_of(trial)},
          tune.winner == setting.result ? Emphasis::winner : Emphasis::none,
          {}};
}

std::string goal_of(const TuneRecord& tune, const Workload& workload) {
  return fmt::format("{}: {} prompt and {} generated tokens, {} in the context before{}; best {}",
                     tune.workload, workload.n_prompt, workload.n_gen, workload.n_depth,
                     side_by_side(workload.n_parallel),
                     tune.objective == Objective::request ? "time of a request"
                                                          : std::string(to_string(tune.objective)));
}

// The title of the setting that a result measured.
std::string title_of(const std::vector<TriedSetting>& settings, const Run& run,
                     const Trial& trial) {
  for (const TriedSetting& setting : settings) {
    if (run.results[setting.result].config == trial.config) return printable(setting.title);
  }
  return printable(trial.title);
}

// What more speed costs: "the CPU alone: 12.5 tok/s, no device memory, context up to 32768".
std::string front_lines(const Run& run, const TuneRecord& tune, const Style& style) {
  const std::vector<TriedSetting> settings = tried_settings(run);
  std::string out;
  for (const FrontPoint& point : tune.front) {
    const Trial& trial = run.results[point.result];
    if (!trial.generation) continue;
    std::string text = fmt::format("{}: {} tok/s, {}", title_of(settings, run, trial),
                                   number_text(trial.generation->tokens_per_second.value),
                                   uses_no_device(trial.config.placement)
                                       ? "no GPU memory"
                                       : or_dash(trial.vram_used_bytes, format_bytes));
    if (point.largest_ctx) text += fmt::format(", context up to {}", *point.largest_ctx);
    out += labelled(out.empty() ? "Alternatives" : "", text, style);
  }
  return out;
}

std::string rounds_of(const TuneRecord& tune) {
  std::string text;
  for (const TuneRound& round : tune.rounds) {
    text += fmt::format("{}{:.2f}", text.empty() ? "" : ", ", round.speed_up);
    if (round.turns) {
      text += fmt::format(" (both loaded: {} turns of generation, {} of the prompt)",
                          round.turns->generation.size(), round.turns->prompt.size());
    }
  }
  return text;
}

}  // namespace

std::string tune_table(const Run& run, const Style& style) {
  if (!run.tune || run.results.empty()) return "Nothing was measured.\n";
  Table table;
  table.columns = {{"", Align::left, 0},
                   {"setting", Align::left, 0},
                   {"runs", Align::right, 5},
                   {"tok/s", Align::right, 0},
                   {"prompt tok/s", Align::right, 0},
                   {"GPU memory", Align::right, 2},
                   {"%", Align::right, 3},
                   {"status", Align::left, 4}};
  for (const TriedSetting& setting : tried_settings(run)) {
    table.rows.push_back(row_of(run, *run.tune, setting));
  }
  return render(table, style) +
         wrap(
             "* winner, = llama.cpp's defaults, + alternative: nothing else that was tried is "
             "faster and takes less GPU memory; figures are those of the last run that counts",
             style.width, 2) +
         '\n';
}

std::string tune_text(const Run& run, const Style& style) {
  if (!run.tune) return {};
  const TuneRecord& tune = *run.tune;
  std::string out = labelled("Request", goal_of(tune, run.workload), style);
  out += labelled("Result", printable(tune.verdict, 400), style);
  if (!tune.rounds.empty())
    out += labelled("Speed ratios", "alternating runs: " + rounds_of(tune), style);
  out += front_lines(run, tune, style);
  out += labelled("Ended", printable(tune.ended, 400), style);
  return out;
}

}  // namespace sweetspot::report
