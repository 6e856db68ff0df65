#include "report/tune_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

std::string mark_of(const TuneRecord& tune, std::size_t index) {
  if (tune.winner == index) return "*";
  if (tune.baseline == index) return "=";
  const bool in_front = std::find(tune.front.begin(), tune.front.end(), index) != tune.front.end();
  return in_front ? "+" : "";
}

std::string speed_cell(const std::optional<Speed>& speed) {
  return speed ? estimate_text(speed->tokens_per_second) : std::string(kAbsent);
}

std::string status_of(const Trial& trial) {
  if (!trial.disturbances.empty()) return std::string(to_string(trial.disturbances.front()));
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

std::string labelled_line(const char* label, const std::string& text, const Style& style) {
  return wrap(fmt::format("  {:<20}{}", label, text), style.width, 22) + '\n';
}

std::string goal_of(const TuneRecord& tune, const Workload& workload) {
  return fmt::format("{}: {} prompt and {} generated tokens, {} in the cache before; best {}",
                     tune.workload, workload.n_prompt, workload.n_gen, workload.n_depth,
                     tune.objective == Objective::request ? "time of a request"
                                                          : std::string(to_string(tune.objective)));
}

std::string rounds_of(const TuneRecord& tune) {
  std::string text;
  for (const TuneRound& round : tune.rounds) {
    text += fmt::format("{}{:.3f} (#{} against #{})", text.empty() ? "" : ", ", round.speed_up,
                        round.winner, round.baseline);
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
  std::string out = labelled_line("Goal", goal_of(tune, run.workload), style);
  out += labelled_line("Verdict", printable(tune.verdict, 400), style);
  if (!tune.rounds.empty()) out += labelled_line("In turn", rounds_of(tune), style);
  out += labelled_line("Ended", printable(tune.ended, 400), style);
  return out;
}

}  // namespace sweetspot::report
