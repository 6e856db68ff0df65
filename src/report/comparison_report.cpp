#include "report/comparison_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/text.hpp"
#include "ground/bytes.hpp"

namespace sweetspot::report {
namespace {

using compare::Comparison;
using compare::Finding;
using compare::SpeedPair;

constexpr double kPercent = 100;

Emphasis emphasis(Finding finding) {
  if (finding == Finding::faster) return Emphasis::winner;
  return finding == Finding::slower ? Emphasis::failure : Emphasis::none;
}

std::string layers(const SpeedPair& pair) {
  return pair.layers_a == pair.layers_b ? fmt::format("{}", pair.layers_a)
                                        : fmt::format("{} -> {}", pair.layers_a, pair.layers_b);
}

std::string speed(const Estimate& tokens_per_second) {
  return is_uncertain(tokens_per_second) ? "unknown"
                                         : fmt::format("{:.1f}", tokens_per_second.value);
}

std::string memory(const Comparison& comparison, const Style& style) {
  std::string text;
  for (const compare::MemoryPair& pair : comparison.memory) {
    if (pair.a_bytes == pair.b_bytes) continue;
    text += paragraph(fmt::format("{} takes {} MiB of device memory in A and {} MiB in B",
                                  printable(pair.what), pair.a_bytes / kMiB, pair.b_bytes / kMiB),
                      style);
  }
  return text;
}

}  // namespace

std::string verdict(const SpeedPair& pair) {
  const double change = std::abs(pair.ratio.value - 1) * kPercent;
  const double reach = kPercent * std::max(pair.ratio.high - 1, 1 - pair.ratio.low);
  switch (pair.finding) {
    case Finding::faster:
      return fmt::format("{:.1f} % faster", change);
    case Finding::slower:
      return fmt::format("{:.1f} % slower", change);
    case Finding::equal:
      return "the same";
    case Finding::open:
      break;
  }
  return fmt::format("cannot be told apart at {:.0f} %", std::ceil(reach));
}

std::string speeds_table(const std::vector<SpeedPair>& pairs, const std::string& a,
                         const std::string& b, const Style& style) {
  if (pairs.empty()) return {};
  Table table;
  table.columns = {{""},
                   {"", Align::left},
                   {"layers", Align::right, 3},
                   {a + " tok/s", Align::right, 1},
                   {b + " tok/s", Align::right, 1},
                   {fmt::format("{} / {}", b, a), Align::right},
                   {"95 %", Align::left, 2},
                   {b + " is"}};
  for (const SpeedPair& pair : pairs) {
    table.rows.push_back(
        {{printable(pair.what), std::string(to_string(pair.measure)), layers(pair), speed(pair.a),
          speed(pair.b), fmt::format("{:.3f}", pair.ratio.value),
          fmt::format("{:.3f} to {:.3f}", pair.ratio.low, pair.ratio.high), verdict(pair)},
         emphasis(pair.finding),
         {}});
  }
  return render(table, style);
}

std::string differences_table(const Comparison& comparison, const std::string& a,
                              const std::string& b, const Style& style) {
  if (comparison.differences.empty()) {
    return "Nothing that is known differs around the two.\n";
  }
  Table table;
  table.columns = {{"differs"}, {a}, {b}};
  for (const compare::Difference& difference : comparison.differences) {
    table.rows.push_back(
        {{printable(difference.what), printable(difference.a), printable(difference.b)}, {}, {}});
  }
  return render(table, style);
}

std::string comparison_report(const Comparison& comparison, const std::string& a,
                              const std::string& b, const Style& style) {
  std::string text = labelled("A", printable(a), style) + labelled("B", printable(b), style) + "\n";
  if (!comparison.same_model) {
    text += paragraph("These are two different models: their speeds say nothing of what changed.",
                      style) +
            "\n";
  }
  text += differences_table(comparison, "A", "B", style) + "\n";
  if (comparison.profiles.empty() && comparison.configs.empty()) {
    return text + "No config was measured in both.\n";
  }
  if (!comparison.profiles.empty()) text += speeds_table(comparison.profiles, "A", "B", style);
  if (!comparison.configs.empty()) text += "\n" + speeds_table(comparison.configs, "A", "B", style);
  const std::string takes = memory(comparison, style);
  return takes.empty() ? text : text + "\n" + takes;
}

}  // namespace sweetspot::report
