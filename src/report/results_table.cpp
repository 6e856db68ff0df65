// The table of trials and the lines under it.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_report.hpp"
#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

constexpr const char* kWinnerMark = "*";
constexpr const char* kTieMark = "~";

bool is_winner(const Run& run, std::size_t index) { return run.analysis.optimum == index; }

bool is_tied(const Run& run, std::size_t index) {
  const std::vector<std::size_t>& tied = run.analysis.tied_with_optimum;
  return !is_winner(run, index) && std::find(tied.begin(), tied.end(), index) != tied.end();
}

std::string mark(const Run& run, std::size_t index) {
  if (is_winner(run, index)) return kWinnerMark;
  return is_tied(run, index) ? kTieMark : "";
}

double speed_of(const Trial& trial) { return trial.speed()->tokens_per_second.value; }

// Whether `a` comes before `b`. Failures go last by speed; equal rows keep the order of the run.
bool before(const Trial& a, const Trial& b, SortBy sort_by) {
  if (sort_by == SortBy::layers) return a.layers < b.layers;
  if (a.measured() != b.measured()) return a.measured();
  return a.measured() && speed_of(a) > speed_of(b);
}

std::vector<std::size_t> order_of(const Run& run, SortBy sort_by) {
  std::vector<std::size_t> order(run.results.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return before(run.results[a], run.results[b], sort_by);
  });
  return order;
}

std::string full_depth_cell(FullDepth state) {
  switch (state) {
    case FullDepth::verified:
      return "ok";
    case FullDepth::failed:
      return "FAILS";
    case FullDepth::not_tried:
      break;
  }
  return kAbsent;
}

std::string disturbance_words(const Trial& trial) {
  std::string words;
  for (const Disturbance one : trial.disturbances) {
    words += words.empty() ? "" : ", ";
    words += label_of(trial, one);
  }
  return words;
}

std::string stop_in_words(StopReason reason) {
  switch (reason) {
    case StopReason::precision:
      return "ok";
    case StopReason::time_cap:
      return "time limit";
    case StopReason::sample_cap:
      return "sample limit";
    case StopReason::outrun:
      return "slower (stopped early)";
  }
  return {};
}

// What a reader has to know before trusting the row, in a word or two.
std::string status_cell(const Trial& trial) {
  if (trial.full_depth == FullDepth::failed) return "not safe";
  if (trial.uncertain()) return "too uncertain";
  if (!trial.disturbances.empty()) return disturbance_words(trial);
  return stop_in_words(trial.speed()->stop_reason);
}

// Of a model that only reads: inputs, and the tokens in them.
std::vector<Column> columns(bool generates) {
  return {
      {"", Align::left, 0},
      {"#", Align::right, 7},
      {"layers", Align::left, 0},
      {"memory", Align::right, 1},
      {"%", Align::right, 2},
      {generates ? "tok/s" : "inputs/s", Align::right, 0},
      {generates ? "prompt tok/s" : "tok/s", Align::right, 5},
      {"GPU %", Align::right, 4},
      {degrees_celsius(), Align::right, 3},
      {"context", Align::left, 6},
      {"status", Align::left, 0},
  };
}

Row measured_row(const Run& run, std::size_t index) {
  const Trial& trial = run.results[index];
  const bool winner = is_winner(run, index);
  const auto whole = [](double value) { return fmt::format("{:.0f}", value); };
  return {{mark(run, index), std::to_string(index), layers_text(trial),
           or_dash(trial.vram_used_bytes, format_bytes),
           or_dash(trial.vram_percent, [](double value) { return percent_number(value); }),
           trial.workload.generates() ? speed_cell(trial.generation)
                                      : or_dash(trial.inputs_per_second(), estimate_text),
           speed_cell(trial.prompt), or_dash(trial.telemetry.utilisation_percent, whole),
           or_dash(trial.telemetry.temperature_max_c, whole), full_depth_cell(trial.full_depth),
           status_cell(trial)},
          winner ? Emphasis::winner : Emphasis::none,
          {}};
}

Row failed_row(const Run& run, std::size_t index) {
  const Trial& trial = run.results[index];
  return {{"", std::to_string(index), layers_text(trial)}, Emphasis::failure, failure_tail(trial)};
}

// ---- the lines under the table

// Why a column holds nothing but "-" in measured rows: the reason, where all rows give the same.
template <typename Select>
std::string reason_of_column(const Run& run, Select&& select) {
  std::set<std::string> reasons;
  for (const Trial& trial : run.results) {
    if (!trial.measured()) continue;
    const auto& reading = select(trial);
    if (reading.has_value()) return {};
    reasons.insert(reading.reason());
  }
  return reasons.size() == 1 ? printable(*reasons.begin()) : std::string();
}

// "- under GPU %, °C: not available for RPC0", one line per reason.
std::vector<std::string> column_notes(const Run& run) {
  const auto telemetry = [](auto member) {
    return [member](const Trial& trial) -> auto& { return trial.telemetry.*member; };
  };
  const std::pair<const char*, std::string> columns[] = {
      {"memory", reason_of_column(
                     run, [](const Trial& t) -> auto& { return t.vram_used_bytes; })},
      {"%", reason_of_column(
                run, [](const Trial& t) -> auto& { return t.vram_percent; })},
      {"GPU %", reason_of_column(run, telemetry(&Telemetry::utilisation_percent))},
      {degrees_celsius(), reason_of_column(run, telemetry(&Telemetry::temperature_max_c))}};
  std::vector<std::pair<std::string, std::string>> titles_by_reason;
  for (const auto& [title, reason] : columns) {
    if (reason.empty()) continue;
    if (!titles_by_reason.empty() && titles_by_reason.back().second == reason) {
      titles_by_reason.back().first += std::string(", ") + title;
    } else {
      titles_by_reason.emplace_back(title, reason);
    }
  }
  std::vector<std::string> notes;
  notes.reserve(titles_by_reason.size());
  for (const auto& [titles, reason] : titles_by_reason) {
    notes.push_back(fmt::format("{} under {}: {}", kAbsent, titles, reason));
  }
  return notes;
}

std::string vram_source_note(const Run& run) {
  std::set<std::string> sources;
  for (const Trial& trial : run.results) {
    if (trial.measured() && trial.vram_used_bytes.has_value()) sources.insert(trial.vram_source);
  }
  sources.erase("");
  if (sources.empty()) return {};
  std::string names;
  for (const std::string& source : sources) {
    names += names.empty() ? "" : " and ";
    names += source == "driver" ? "the driver" : printable(source);
  }
  return "GPU memory as reported by " + names + "; % of the card in use, other programs included";
}

std::string equal_requests_note(const Run& run) {
  const bool any = std::any_of(run.results.begin(), run.results.end(), [](const Trial& trial) {
    return trial.requested_layers.size() > 1;
  });
  return any ? "Requests for the same layers were measured once" : "";
}

bool any_stopped_by(const Run& run, StopReason reason) {
  return std::any_of(run.results.begin(), run.results.end(), [reason](const Trial& trial) {
    return trial.measured() && trial.speed()->stop_reason == reason;
  });
}

std::string cap_note(const Run& run) {
  if (!any_stopped_by(run, StopReason::time_cap) && !any_stopped_by(run, StopReason::sample_cap)) {
    return {};
  }
  return fmt::format("time limit, sample limit: measuring ended before {}{:.2g} % was reached",
                     plus_minus(), run.settings.precision * 100);
}

std::string outrun_note(const Run& run) {
  return any_stopped_by(run, StopReason::outrun) ? "slower (stopped early): plainly slower than "
                                                   "the best, so it was measured less exactly"
                                                 : "";
}

// What each disturbance means, where a row has one; the details are in its notes.
std::vector<std::string> disturbance_notes(const Run& run) {
  struct Meaning {
    bool (*fits)(const Trial& trial);
    const char* words;
  };
  constexpr Meaning kMeanings[] = {
      {[](const Trial& trial) { return trial.is(Disturbance::throttled); },
       "throttled: heat, power or current kept the clocks down"},
      {[](const Trial& trial) {
         return trial.is(Disturbance::contended) &&
                (trial.shares(Contended::device) || !trial.shares(Contended::processor));
       },
       "contended: other programs used the device meanwhile"},
      {[](const Trial& trial) { return trial.shares(Contended::processor); },
       "contended, processor: other programs used the processor meanwhile; measure again when "
       "they have ended"},
      {[](const Trial& trial) { return trial.is(Disturbance::spilled); },
       "spilled: device memory went to system memory; never recommended"},
      {[](const Trial& trial) { return trial.uncertain(); },
       "too uncertain: the interval reaches half of the speed or more, so it decides nothing; "
       "measure again with nothing else running, or longer (--max-seconds)"}};
  std::vector<std::string> notes;
  for (const Meaning& meaning : kMeanings) {
    const bool any = std::any_of(run.results.begin(), run.results.end(), [&](const Trial& trial) {
      return trial.measured() && meaning.fits(trial);
    });
    if (any) notes.emplace_back(meaning.words);
  }
  return notes;
}

std::string depth_note(const Run& run) {
  const bool any = std::any_of(run.results.begin(), run.results.end(), [](const Trial& trial) {
    return trial.full_depth == FullDepth::failed;
  });
  return any ? "full context FAILS: the row does not work with its whole context in use" : "";
}

std::string winner_note(const Run& run) {
  if (!run.analysis.optimum) return {};
  std::string note =
      fmt::format("{} best: fastest of the safe rows (at most {:.0f} % of GPU memory)", kWinnerMark,
                  run.settings.bands.performance_percent);
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    if (is_tied(run, i)) {
      return note + fmt::format("; {} tie: no measurable difference, memory decides", kTieMark);
    }
  }
  return note;
}

std::string notes_under(const Run& run, const Style& style) {
  std::vector<std::string> notes = {winner_note(run), equal_requests_note(run),
                                    cap_note(run),    outrun_note(run),
                                    depth_note(run),  vram_source_note(run)};
  for (std::string& note : disturbance_notes(run)) notes.push_back(std::move(note));
  for (std::string& note : column_notes(run)) notes.push_back(std::move(note));
  std::string out;
  for (const std::string& note : notes) {
    if (!note.empty()) out += paragraph(note, style);
  }
  return out;
}

}  // namespace

std::string results_table(const Run& run, const Style& style, SortBy sort_by) {
  if (run.results.empty()) return "Nothing was measured.\n";
  Table table;
  table.columns = columns(run.workload.generates());
  for (const std::size_t index : order_of(run, sort_by)) {
    table.rows.push_back(run.results[index].measured() ? measured_row(run, index)
                                                       : failed_row(run, index));
  }
  return render(table, style) + notes_under(run, style);
}

}  // namespace sweetspot::report
