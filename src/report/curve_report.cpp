// What an adaptive sweep says of layer counts that nobody measured, and what it settled.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_report.hpp"

namespace sweetspot::report {
namespace {

// A few counts show the course of the curve; the results file has every count.
constexpr std::size_t kMostRows = 12;

// A prediction that leaves open what the speed is, is none.
std::string predicted_speed(const Estimate& ms) {
  const Estimate speed = per_second(ms);
  return is_uncertain(speed) ? "unknown" : estimate_text(speed);
}

Row predicted_row(const CurvePoint& point) {
  const std::string deep =
      point.full_depth_ms ? predicted_speed(*point.full_depth_ms) : std::string(kAbsent);
  return {
      {std::to_string(point.layers), or_dash(point.vram_bytes, format_bytes),
       or_dash(point.vram_percent, percent_number), predicted_speed(*point.generation_ms), deep},
      Emphasis::faint,
      {}};
}

std::string predicted_table(const SweepRecord& sweep, const Style& style) {
  std::vector<const CurvePoint*> points;
  for (const CurvePoint& point : sweep.curve) {
    if (point.standing == Standing::predicted && point.generation_ms) points.push_back(&point);
  }
  if (points.empty()) return {};
  Table table;
  table.columns = {{"layers", Align::left, 0},
                   {"memory", Align::right, 1},
                   {"%", Align::right, 2},
                   {"predicted tok/s", Align::right, 0},
                   {"whole context tok/s", Align::right, 3}};
  const std::size_t every = (points.size() + kMostRows - 1) / kMostRows;
  for (std::size_t i = points.size() % every == 0 ? every - 1 : 0; i < points.size(); i += every) {
    table.rows.push_back(predicted_row(*points[i]));
  }
  const std::string all = table.rows.size() == points.size()
                              ? std::string()
                              : fmt::format("; {} of {} shown", table.rows.size(), points.size());
  return fmt::format("Not measured, predicted with 95 % intervals{}\n", all) + render(table, style);
}

// "27 to 33 layers do not fit: needs ..."
std::string runs_of(const SweepRecord& sweep, Standing standing, const char* words,
                    const Style& style) {
  std::string out;
  for (std::size_t i = 0; i < sweep.curve.size(); ++i) {
    if (sweep.curve[i].standing != standing) continue;
    std::size_t last = i;
    while (last + 1 < sweep.curve.size() && sweep.curve[last + 1].standing == standing) ++last;
    const std::string which =
        last == i ? layer_count(sweep.curve[i].layers)
                  : fmt::format("{} to {} layers", sweep.curve[i].layers, sweep.curve[last].layers);
    out += wrap(fmt::format("  {} {}: {}", which, words, printable(sweep.curve[i].note)),
                style.width, 4) +
           '\n';
    i = last;
  }
  return out;
}

// "With the whole context of 4096 in use: 0 layers 21.2 ±0.3 tok/s, 12 layers 18.4 ±0.2 tok/s".
std::string full_depth_line(const Run& run, const Style& style) {
  std::string speeds;
  for (const CurvePoint& point : run.sweep->curve) {
    if (point.standing != Standing::measured || !point.full_depth_ms) continue;
    speeds += fmt::format("{}{} {} tok/s", speeds.empty() ? "" : ", ", layer_count(point.layers),
                          estimate_text(per_second(*point.full_depth_ms)));
  }
  if (speeds.empty()) return {};
  return wrap(fmt::format("  With the whole context of {} in use: {}",
                          run.base_config.context.n_ctx, speeds),
              style.width, 4) +
         '\n';
}

// ", from 8 measurements (7 ended at the time limit, known to within 2.1 to 5.3 %)": how much a
// decision rests on.
std::string basis_of_decisions(const Run& run) {
  std::size_t measured = 0;
  std::size_t capped = 0;
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const Trial& trial : run.results) {
    if (!trial.measured()) continue;
    ++measured;
    if (trial.speed()->stop_reason != StopReason::time_cap) continue;
    const Estimate& speed = trial.speed()->tokens_per_second;
    const double percent = 100 * (speed.high - speed.low) / 2 / speed.value;
    least = std::min(least, percent);
    most = std::max(most, percent);
    ++capped;
  }
  std::string text = fmt::format(", from {} measurement{}", measured, measured == 1 ? "" : "s");
  if (capped == 0) return text;
  const std::string range =
      capped == 1 ? fmt::format("{:.1f} %", most) : fmt::format("{:.1f} to {:.1f} %", least, most);
  return text + fmt::format(" ({} ended at the time limit, known to within {})", capped, range);
}

std::string decision_lines(const SweepRecord& sweep, const Style& style) {
  std::string out;
  for (const Decision& decision : sweep.decisions) {
    const std::string answer = decision.layers ? layer_count(*decision.layers) : kAbsent;
    out += wrap(fmt::format("  {:<14}{}: {}", decision.name, answer, decision.sentence),
                style.width, 16) +
           '\n';
  }
  return out;
}

}  // namespace

std::string curve_text(const Run& run, const Style& style) {
  if (!run.sweep) return {};
  const SweepRecord& sweep = *run.sweep;
  std::string out = predicted_table(sweep, style);
  out += full_depth_line(run, style);
  out += runs_of(sweep, Standing::does_not_fit, "would not fit", style);
  out += runs_of(sweep, Standing::not_tried, "not tried", style);
  if (sweep.generation && !sweep.generation->linear) {
    out += wrap(
               "  Time is not linear in the layers here: what is predicted is only worth its wide "
               "interval, and decisions rest on what was measured.",
               style.width, 4) +
           '\n';
  }
  if (sweep.decisions.empty()) return out;
  return out + (out.empty() ? "" : "\n") + "Decided" + basis_of_decisions(run) + "\n" +
         decision_lines(sweep, style);
}

}  // namespace sweetspot::report
