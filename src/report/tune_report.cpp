#include "report/tune_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

std::string mark_of(const TuneRecord& tune, std::size_t index) {
  if (tune.winner == index) return "*";
  if (tune.baseline == index) return "=";
  const bool in_front =
      std::any_of(tune.front.begin(), tune.front.end(),
                  [index](const FrontPoint& point) { return point.result == index; });
  return in_front ? "+" : "";
}

std::string status_of(const Trial& trial) {
  if (trial.uncertain()) return "too uncertain";
  if (!trial.disturbances.empty()) return label_of(trial, trial.disturbances.front());
  if (trial.full_depth == FullDepth::failed) return "not safe";
  return trial.full_depth == FullDepth::verified ? "proved" : "";
}

Row row_of(const Run& run, const TuneRecord& tune, std::size_t index) {
  const Trial& trial = run.results[index];
  const std::string title = printable(trial.title);
  if (!trial.measured()) {
    return {{"", std::to_string(index), title}, Emphasis::failure, failure_tail(trial)};
  }
  return {{mark_of(tune, index), std::to_string(index), title, speed_cell(trial.generation),
           speed_cell(trial.prompt), or_dash(trial.vram_used_bytes, format_bytes),
           or_dash(trial.vram_percent, percent_number), status_of(trial)},
          tune.winner == index ? Emphasis::winner : Emphasis::none,
          {}};
}

std::string goal_of(const TuneRecord& tune, const Workload& workload) {
  return fmt::format("{}: {} prompt and {} generated tokens, {} in the cache before{}; best {}",
                     tune.workload, workload.n_prompt, workload.n_gen, workload.n_depth,
                     side_by_side(workload.n_parallel),
                     tune.objective == Objective::request ? "time of a request"
                                                          : std::string(to_string(tune.objective)));
}

// What more speed costs: "#1 the CPU alone: 12.5 tok/s, no device memory, context up to 32768".
std::string front_lines(const Run& run, const TuneRecord& tune, const Style& style) {
  std::string out;
  for (const FrontPoint& point : tune.front) {
    const Trial& trial = run.results[point.result];
    if (!trial.generation) continue;
    std::string text = fmt::format("#{} {}: {:.4g} tok/s, {}", point.result, printable(trial.title),
                                   trial.generation->tokens_per_second.value,
                                   uses_no_device(trial.config.placement)
                                       ? "no device memory"
                                       : or_dash(trial.vram_used_bytes, format_bytes));
    if (point.largest_ctx) text += fmt::format(", context up to {}", *point.largest_ctx);
    out += labelled(out.empty() ? "Front" : "", text, style);
  }
  return out;
}

std::string rounds_of(const TuneRecord& tune) {
  std::string text;
  for (const TuneRound& round : tune.rounds) {
    text += fmt::format("{}{:.3f} (#{} against #{}", text.empty() ? "" : ", ", round.speed_up,
                        round.winner, round.baseline);
    if (round.turns) {
      text += fmt::format(", both loaded: {} turns of generation, {} of the prompt",
                          round.turns->generation.size(), round.turns->prompt.size());
    }
    text += ')';
  }
  return text;
}

}  // namespace

std::string tune_table(const Run& run, const Style& style) {
  if (!run.tune || run.results.empty()) return "Nothing was measured.\n";
  Table table;
  table.columns = {{"", Align::left, 0},
                   {"#", Align::right, 5},
                   {"tried", Align::left, 0},
                   {"tok/s", Align::right, 0},
                   {"prompt tok/s", Align::right, 0},
                   {"VRAM", Align::right, 2},
                   {"VRAM %", Align::right, 3},
                   {"status", Align::left, 4}};
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    table.rows.push_back(row_of(run, *run.tune, i));
  }
  return render(table, style) +
         wrap(
             "* winner, = llama.cpp's defaults, + also of the front: nothing else that was tried "
             "is faster and takes less device memory",
             style.width, 2) +
         '\n';
}

std::string tune_text(const Run& run, const Style& style) {
  if (!run.tune) return {};
  const TuneRecord& tune = *run.tune;
  std::string out = labelled("Goal", goal_of(tune, run.workload), style);
  out += labelled("Verdict", printable(tune.verdict, 400), style);
  if (!tune.rounds.empty()) out += labelled("In turn", rounds_of(tune), style);
  out += front_lines(run, tune, style);
  out += labelled("Ended", printable(tune.ended, 400), style);
  return out;
}

}  // namespace sweetspot::report
