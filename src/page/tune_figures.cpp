// What a tune says: the front, what each trial was for, the finals.
#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "page/figures_of_run.hpp"
#include "page/texts.hpp"

namespace sweetspot::page {
namespace {

const char* role_of(const TuneRecord& tune, std::size_t index) {
  if (tune.winner == index) return "winner";
  if (tune.baseline == index) return "llama.cpp's defaults";
  const bool in_front = std::any_of(tune.front.begin(), tune.front.end(),
                                    [&](const FrontPoint& point) { return point.result == index; });
  return in_front ? "less memory or more speed" : "tried";
}

std::string largest_ctx(const TuneRecord& tune, std::size_t index) {
  for (const FrontPoint& point : tune.front) {
    if (point.result == index && point.largest_ctx) return fmt::format("{}", *point.largest_ctx);
  }
  return std::string(kNothing);
}

// For those of the front alone it is known.
std::string context_clause(const TuneRecord& tune, std::size_t index) {
  const std::string ctx = largest_ctx(tune, index);
  return ctx == kNothing ? std::string() : fmt::format(", up to {} tokens of context", ctx);
}

bool usable(const Run& run, std::size_t index) {
  return index < run.results.size() && run.results[index].measured();
}

}  // namespace

Figure front_of(const Run& run) {
  Figure figure;
  figure.id = "front";
  figure.title = "Speed and memory";
  figure.caption =
      "Of what was tried, nothing is faster and takes less device memory than the front.";
  figure.chart = axes("GiB of device memory", "tokens per second");
  figure.chart->whole_x = false;
  figure.table.columns = {"trial",         "tried",          "is", "tokens per second (95 %)",
                          "device memory", "longest context"};
  if (!run.tune) return figure;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& trial = run.results[i];
    if (!usable(run, i)) continue;
    const Estimate& speed = trial.speed()->tokens_per_second;
    const char* role = role_of(*run.tune, i);
    figure.table.rows.push_back({fmt::format("{}", i), name_of(trial), role, with_interval(speed),
                                 shown(trial.vram_used_bytes, format_bytes),
                                 largest_ctx(*run.tune, i)});
    if (!trial.vram_used_bytes) continue;
    figure.chart->marks.push_back(
        {role, gib_of(*trial.vram_used_bytes), speed.value, speed.low, speed.high,
         fmt::format("{}: {} tok/s, {}{}", trial_name(run, i), with_interval(speed),
                     format_bytes(*trial.vram_used_bytes), context_clause(*run.tune, i))});
  }
  return figure;
}

Figure search_of(const Run& run) {
  Figure figure;
  figure.id = "search";
  figure.title = "The search, trial by trial";
  figure.caption = "What each trial was for stands in the table.";
  figure.chart = axes("trial", "tokens per second");
  figure.table.columns = {"trial", "tried", "what for", "tokens per second (95 %)"};
  if (!run.tune) return figure;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& trial = run.results[i];
    figure.table.rows.push_back(
        {fmt::format("{}", i), name_of(trial), trial.reason, speed_of(trial.speed())});
    if (!usable(run, i)) continue;
    const Estimate& speed = trial.speed()->tokens_per_second;
    figure.chart->marks.push_back(
        {role_of(*run.tune, i), static_cast<double>(i), speed.value, speed.low, speed.high,
         fmt::format("{}: {} tok/s; {}", trial_name(run, i), with_interval(speed), trial.reason)});
  }
  return figure;
}

Figure finals_of(const Run& run) {
  Figure figure;
  figure.id = "finals";
  figure.title = "Against llama.cpp's defaults, in turn";
  figure.caption =
      "Cost of the defaults divided by that of the winner: above 1 the winner is faster.";
  figure.chart = axes("round", "ratio");
  figure.chart->from_zero = false;
  figure.chart->rules = {{1, "as fast as the defaults"}};
  figure.table.columns = {"round", "defaults", "winner", "ratio (95 %)"};
  if (!run.tune) return figure;
  for (std::size_t i = 0; i < run.tune->rounds.size(); ++i) {
    const TuneRound& round = run.tune->rounds[i];
    figure.chart->marks.push_back({"a round",
                                   static_cast<double>(i + 1),
                                   round.speed_up,
                                   {},
                                   {},
                                   fmt::format("round {}: {:.3f}", i + 1, round.speed_up)});
    figure.table.rows.push_back({fmt::format("{}", i + 1), fmt::format("trial {}", round.baseline),
                                 fmt::format("trial {}", round.winner),
                                 fmt::format("{:.3f}", round.speed_up)});
  }
  if (run.tune->speed_up) {
    const Estimate& all = *run.tune->speed_up;
    const std::string text = fmt::format("{:.3f} ({:.3f} to {:.3f})", all.value, all.low, all.high);
    figure.chart->marks.push_back({"all rounds", static_cast<double>(run.tune->rounds.size() + 1),
                                   all.value, all.low, all.high, "all rounds: " + text});
    figure.table.rows.push_back({"all", "", "", text});
  }
  return figure;
}

}  // namespace sweetspot::page
