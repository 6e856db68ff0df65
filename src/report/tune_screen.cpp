#include "report/tune_screen.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/knobs.hpp"
#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_words.hpp"
#include "report/screen.hpp"
#include "report/tune_settings.hpp"

namespace sweetspot::report {
namespace {

constexpr std::size_t kMostCharsOfAVerdict = 400;

bool defaults_won(const TuneRecord& tune) { return tune.winner && tune.winner == tune.baseline; }

// ---- the answer

std::string tune_answer(const TuneRecord& tune) {
  if (tune.winner && !defaults_won(tune) && tune.speed_up) {
    return fmt::format(
        "Use these settings: {:.2f} times as fast as llama.cpp's defaults ({:.2f} to {:.2f})",
        tune.speed_up->value, tune.speed_up->low, tune.speed_up->high);
  }
  return capitalised(printable(tune.verdict, kMostCharsOfAVerdict));
}

// ---- the two that are compared

std::string memory_cell(const Trial& trial) {
  return uses_no_device(trial.config.placement) ? kAbsent
                                                : or_dash(trial.vram_used_bytes, format_bytes);
}

std::string percent_cell(const Trial& trial) {
  return uses_no_device(trial.config.placement) ? std::string()
                                                : or_dash(trial.vram_percent, percent_text);
}

std::string in_words(const std::optional<Speed>& speed) {
  return speed ? number_text(speed->tokens_per_second.value) + " tok/s" : std::string(kAbsent);
}

Row row_of(std::string name, const Trial& trial, Emphasis emphasis) {
  return {
      {std::move(name),
       or_dash(trial.request_ms(),
               [](const Estimate& ms) { return format_seconds(ms.value / 1000); }),
       in_words(trial.generation), in_words(trial.prompt), memory_cell(trial), percent_cell(trial)},
      emphasis,
      {}};
}

std::string comparison(const Run& run, const Style& style) {
  const TuneRecord& tune = *run.tune;
  Table table;
  table.rule = false;
  table.columns = {{printable(tune.workload) + " request", Align::left, 0},
                   {"whole", Align::right, 0},
                   {"generation", Align::right, 0},
                   {"prompt", Align::right, 0},
                   {"GPU memory", Align::right, 0},
                   {"", Align::right, 1}};
  if (const Trial* const baseline = run.result(baseline_of(tune))) {
    table.rows.push_back(row_of("defaults", *baseline, Emphasis::none));
  }
  const Trial* const winner = run.result(tune.winner);
  if (winner != nullptr && !defaults_won(tune)) {
    table.rows.push_back(row_of("these", *winner, Emphasis::winner));
  }
  return table.rows.empty() ? std::string() : render(table, style);
}

// ---- what was changed

std::string layers_of(const Trial& trial) {
  return uses_no_device(trial.config.placement) ? std::string("no")
                                                : fmt::format("{}", trial.layers);
}

std::string short_name(const Knob& knob) {
  return std::string(knob.flags.substr(0, knob.flags.find(',')));
}

std::string value_of(const Knob& knob, const Trial& trial) {
  if (knob.name == "n_threads" && trial.effective) {
    return fmt::format("{}", trial.effective->n_threads);
  }
  if (knob.name == "n_threads_batch" && trial.effective) {
    return fmt::format("{}", trial.effective->n_threads_batch);
  }
  return knob_text(knob.get(trial.config));
}

std::string changes(const Run& run, const Style& style) {
  const TuneRecord& tune = *run.tune;
  const Trial* const from = run.result(baseline_of(tune));
  const Trial* const to = run.result(tune.winner);
  if (from == nullptr || to == nullptr || defaults_won(tune)) return {};
  std::vector<std::string> words;
  if (layers_of(*from) != layers_of(*to)) {
    words.push_back(fmt::format("{} to {} layers", layers_of(*from), layers_of(*to)));
  }
  for (const Knob& knob : knobs()) {
    if (knob.name == "n_gpu_layers" || knob.name == "devices") continue;
    const std::string before = value_of(knob, *from);
    const std::string after = value_of(knob, *to);
    if (before != after) {
      words.push_back(fmt::format("{} {} to {}", short_name(knob), before, after));
    }
  }
  if (words.empty()) return {};
  return sentence_text(fmt::format("Changed: {}.", fmt::join(words, ", ")), style);
}

// ---- what takes less memory

std::string less_memory(const Run& run, const std::vector<TriedSetting>& settings,
                        const Style& style) {
  const TuneRecord& tune = *run.tune;
  const Trial* const winner = run.result(tune.winner);
  if (winner == nullptr) return {};
  constexpr std::size_t kMostShown = 3;
  std::vector<std::string> words;
  for (const TriedSetting& setting : settings) {
    const Trial& trial = run.results[setting.result];
    const std::uint64_t most = winner->vram_used_bytes.value_or(0);
    if (!in_front(run, trial.config) || !trial.generation ||
        trial.vram_used_bytes.value_or(0) >= most)
      continue;
    words.push_back(fmt::format(
        "{} ({}{})", printable(setting.title), in_words(trial.generation),
        uses_no_device(trial.config.placement) ? std::string() : " in " + memory_cell(trial)));
  }
  if (words.empty()) return {};
  if (words.size() > kMostShown) words.resize(kMostShown);
  return sentence_text(fmt::format("With less memory: {}.", fmt::join(words, "; ")), style);
}

// ---- how sure it is

std::string tune_basis(const Run& run, std::size_t settings, const Style& style) {
  const TuneRecord& tune = *run.tune;
  const std::string time = time_taken(run);
  std::string text =
      fmt::format("{} measurement{} of {} settings{}{}", run.results.size(),
                  run.results.size() == 1 ? "" : "s", settings, time.empty() ? "" : " ", time);
  if (!tune.rounds.empty()) {
    text += fmt::format(", winner and defaults in turn {} time{}", tune.rounds.size(),
                        tune.rounds.size() == 1 ? "" : "s");
  }
  if (tune.ended != kEverythingDecided && !tune.ended.empty()) {
    text += "; ended: " + printable(tune.ended);
  }
  return sentence_text(text + ".", style);
}

std::vector<std::string> tune_doubts(const Run& run) {
  const TuneRecord& tune = *run.tune;
  std::vector<std::size_t> shown;
  if (run.result(tune.winner) != nullptr) shown.push_back(*tune.winner);
  if (const auto baseline = baseline_of(tune); run.result(baseline) != nullptr) {
    if (baseline != tune.winner) shown.push_back(*baseline);
  }
  std::vector<std::string> doubts = failures_in_words(run, "measurements");
  for (const std::vector<std::string>& more : {doubts_about(run, shown), notices_of(run)}) {
    doubts.insert(doubts.end(), more.begin(), more.end());
  }
  return doubts;
}

}  // namespace

std::string tune_screen(const Run& run, const std::vector<std::string>& command, int lines_below,
                        const Style& style) {
  if (!run.tune || run.results.empty()) return "Nothing was measured.\n";
  const std::string above = parted({answer_text(tune_answer(*run.tune), style),
                                    command_text(command, style), comparison(run, style)});
  const std::vector<TriedSetting> settings = tried_settings(run);
  const std::string below = changes(run, style) + less_memory(run, settings, style) +
                            tune_basis(run, settings.size(), style);
  const int room = kScreenLines - lines_below - lines_in(above) - lines_in(below) - 1;
  return parted({above, below + doubts_text(tune_doubts(run), room, style)});
}

}  // namespace sweetspot::report
