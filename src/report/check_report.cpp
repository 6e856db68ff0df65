#include "report/check_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "core/text.hpp"
#include "report/comparison_report.hpp"
#include "report/numbers.hpp"
#include "report/run_report.hpp"
#include "report/screen.hpp"

namespace sweetspot::report {
namespace {

using compare::Comparison;
using compare::Finding;
using compare::MemoryPair;
using compare::SpeedPair;

// "generation 12.1 % slower, prompt the same".
std::string speeds_in_words(const Comparison& comparison) {
  std::vector<std::string> parts;
  for (const SpeedPair& pair : comparison.profiles) {
    parts.push_back(fmt::format("{} {}", to_string(pair.measure), verdict(pair)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string memory_in_words(const Comparison& comparison) {
  if (comparison.memory.empty()) return {};
  const bool more =
      std::any_of(comparison.memory.begin(), comparison.memory.end(), compare::takes_more);
  return more ? "; it takes more memory" : "; memory as before";
}

bool has_lost(const Comparison& comparison) {
  return std::any_of(comparison.profiles.begin(), comparison.profiles.end(),
                     [](const SpeedPair& pair) { return pair.finding == Finding::slower; }) ||
         std::any_of(comparison.memory.begin(), comparison.memory.end(), compare::takes_more);
}

std::string_view how_it_holds(const Comparison& comparison) {
  if (has_lost(comparison)) return "does not hold any more";
  const bool open =
      std::any_of(comparison.profiles.begin(), comparison.profiles.end(),
                  [](const SpeedPair& pair) { return pair.finding == Finding::open; });
  return open ? "holds as far as can be told" : "still holds";
}

std::string answer(const Comparison& comparison, const std::string& profile, const Trial& trial) {
  const std::string name = printable(profile);
  if (trial.failure) {
    return fmt::format("{} does not hold any more: {}", name, printable(trial.failure->message));
  }
  if (trial.full_depth == FullDepth::failed) {
    return fmt::format("{} does not hold any more: its whole context cannot be used", name);
  }
  if (comparison.profiles.empty()) {
    return fmt::format("Nobody can tell whether {} still holds: its speed is too uncertain", name);
  }
  return fmt::format("{} {}: {}{}", name, how_it_holds(comparison), speeds_in_words(comparison),
                     memory_in_words(comparison));
}

std::string memory_table(const Comparison& comparison, const Style& style) {
  if (comparison.memory.empty()) return {};
  Table table;
  table.rule = false;
  table.columns = {{"memory"}, {"then", Align::right}, {"now", Align::right}};
  for (const MemoryPair& pair : comparison.memory) {
    table.rows.push_back(
        {{printable(pair.what), format_bytes(pair.a_bytes), format_bytes(pair.b_bytes)},
         compare::takes_more(pair) ? Emphasis::failure : Emphasis::none,
         {}});
  }
  return render(table, style);
}

std::vector<std::string> doubts(const Trial& trial) {
  std::vector<std::string> notes;
  for (const Disturbance disturbance : trial.disturbances) {
    notes.push_back(fmt::format("It was {} while it was measured.", label_of(trial, disturbance)));
  }
  for (const std::string& note : trial.notes) notes.push_back(printable(note) + ".");
  return notes;
}

}  // namespace

std::string check_report(const Comparison& comparison, const ProfileSet& before,
                         const std::string& profile, const Trial& trial, const std::string& command,
                         const Style& style) {
  const bool holds =
      trial.measured() && trial.full_depth != FullDepth::failed && !has_lost(comparison);
  const std::string then = sentence_text(
      fmt::format("Held against what was measured {}.", printable(before.created_at)), style);
  const std::string anew =
      holds ? std::string() : sentence_text("Measure anew: " + printable(command), style);
  return parted({answer_text(answer(comparison, profile, trial), style) + then,
                 differences_table(comparison, "then", "now", style),
                 speeds_table(comparison.profiles, "then", "now", style),
                 memory_table(comparison, style),
                 doubts_text(doubts(trial), kScreenLines / 2, style) + anew});
}

}  // namespace sweetspot::report
