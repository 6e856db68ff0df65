// What a run says of its trials one by one: depth, profiles, decisions, troubles, telemetry.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/config.hpp"
#include "core/text.hpp"
#include "page/figures_of_run.hpp"
#include "page/texts.hpp"

namespace sweetspot::page {
namespace {

// Of all trials of a tune lines of depth would hide each other: those that prove something.
std::set<std::size_t> proving_trials(const Run& run) {
  std::set<std::size_t> trials;
  for (const Profile& profile : run.profiles) {
    if (profile.result_index) trials.insert(*profile.result_index);
  }
  if (run.tune && run.tune->winner) trials.insert(*run.tune->winner);
  if (run.tune && run.tune->baseline) trials.insert(*run.tune->baseline);
  return trials;
}

// The middle of what was generated, and the whole context of one sequence.
double usual_depth(const Trial& trial) {
  return trial.workload.n_depth + trial.workload.n_gen / 2.0;
}

double whole_depth(const Trial& trial) {
  const std::uint32_t n_ctx = trial.effective ? trial.effective->n_ctx : trial.config.context.n_ctx;
  return static_cast<double>(n_ctx) / context_parts(trial.config.context);
}

std::string why_none(const Profile& profile) {
  if (!profile.reason.empty()) return profile.reason;
  return profile.vram_bytes ? std::string() : profile.vram_bytes.reason();
}

std::string disturbances_of(const Trial& trial) {
  std::vector<std::string> labels;
  labels.reserve(trial.disturbances.size());
  for (const Disturbance disturbance : trial.disturbances) {
    labels.push_back(label_of(trial, disturbance));
  }
  return labels.empty() ? std::string(kNothing) : fmt::format("{}", fmt::join(labels, ", "));
}

std::string outcome_of(const Trial& trial) {
  if (trial.failure) {
    return fmt::format("{}: {}", to_string(trial.failure->failure_class), trial.failure->message);
  }
  if (trial.uncertain()) return "measured, too uncertain to decide anything";
  return "measured";
}

std::string depth_state(const Trial& trial) {
  std::string state(to_string(trial.full_depth));
  return trial.full_depth_note.empty() ? state : state + ": " + trial.full_depth_note;
}

struct Telling {
  const char* id;
  const char* title;
  const char* unit;
  std::vector<std::pair<const char*, Reading<double> Telemetry::*>> series;
};

// The row of a trial of which the driver said anything, and its marks.
void add_look(const Trial& trial, const std::string& name_of_trial,
              const std::optional<double>& minutes, const Telling& telling, Figure& figure) {
  const bool disturbed = !trial.disturbances.empty();
  std::vector<std::string> row = {name_of_trial, trial.started_at};
  bool any = false;
  for (const auto& [name, member] : telling.series) {
    const Reading<double>& reading = trial.telemetry.*member;
    row.push_back(shown(reading, number));
    if (!reading) continue;
    any = true;
    if (!minutes) continue;
    Mark mark;
    mark.series = disturbed ? std::string(name).append(", disturbed") : std::string(name);
    mark.x = *minutes;
    mark.y = *reading;
    mark.label = fmt::format("{}, {}: {} {}", name_of_trial, name, row.back(), telling.unit);
    if (disturbed) mark.label += fmt::format(" ({})", disturbances_of(trial));
    figure.chart->marks.push_back(std::move(mark));
  }
  row.push_back(disturbances_of(trial));
  if (any) figure.table.rows.push_back(std::move(row));
}

Figure over_time(const Run& run, const Telling& telling) {
  Figure figure;
  figure.id = telling.id;
  figure.title = telling.title;
  figure.caption =
      "One look for each trial, at the time it began: the mean of its measurement unless it says "
      "otherwise. Trials that something disturbed are drawn as such.";
  figure.chart = axes("minutes since the first trial", telling.unit);
  figure.chart->whole_x = false;
  figure.chart->from_zero = false;
  figure.table.columns = {"trial", "began"};
  for (const auto& [name, member] : telling.series) figure.table.columns.emplace_back(name);
  figure.table.columns.emplace_back("disturbed by");
  constexpr double kSecondsPerMinute = 60;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    std::optional<double> minutes =
        seconds_apart(run.results.front().started_at, run.results[i].started_at);
    if (minutes) *minutes /= kSecondsPerMinute;
    add_look(run.results[i], trial_name(run, i), minutes, telling, figure);
  }
  return figure;
}

void add_fact(Figure& figure, const char* name, const std::string& value) {
  if (value.empty()) return;
  figure.table.rows.push_back({name, value});
}

}  // namespace

Figure speed_at_depth(const Run& run) {
  Figure figure;
  figure.id = "depth";
  figure.title = "Generation speed by depth";
  figure.caption =
      "Depth is how many tokens the cache holds already; the right point of each line has the "
      "whole context in use.";
  figure.chart = axes("tokens in the cache", "tokens per second");
  figure.table.columns = {"trial", "at depth", "tokens per second (95 %)"};
  for (const std::size_t i : proving_trials(run)) {
    if (i >= run.results.size()) continue;
    const Trial& trial = run.results[i];
    const std::optional<Estimate> whole = per_second(trial.full_depth_ms);
    if (!trial.generation || !whole) continue;
    const std::string name = trial_name(run, i);
    figure.chart->lines.push_back(name);
    const auto add = [&](double depth, const Estimate& speed) {
      figure.chart->marks.push_back(
          {name, depth, speed.value, speed.low, speed.high,
           fmt::format("{} at {:.0f} tokens: {} tok/s", name, depth, with_interval(speed))});
      figure.table.rows.push_back({name, fmt::format("{:.0f}", depth), with_interval(speed)});
    };
    add(usual_depth(trial), trial.generation->tokens_per_second);
    add(whole_depth(trial), *whole);
  }
  return figure;
}

Figure profiles_of(const Run& run) {
  Figure figure;
  figure.id = "profiles";
  figure.title = "Profiles";
  figure.table.columns = {
      "profile",           "layers", "context", "batch", "device memory", "% in use",
      "tokens per second", "proof",  "for"};
  for (const Profile& profile : run.profiles) {
    const std::optional<std::size_t> proof = profile.result_index;
    if (!proof || *proof >= run.results.size()) {
      figure.table.rows.push_back(
          {profile.name, "-", "-", "-", "-", "-", "-", "none", why_none(profile)});
      continue;
    }
    // From the trial: what a profile repeats of its config is not read from files.
    const Trial& trial = run.results[*proof];
    figure.table.rows.push_back(
        {profile.name, fmt::format("{}", trial.layers),
         fmt::format("{}", trial.config.context.n_ctx),
         fmt::format("{}", trial.config.context.n_batch), shown(profile.vram_bytes, format_bytes),
         shown(profile.vram_percent, number), shown(profile.speed(), number),
         fmt::format("trial {}", *proof), profile.recommended_for});
  }
  return figure;
}

Figure decisions_of(const Run& run) {
  Figure figure;
  figure.id = "decisions";
  figure.title = "What was decided, and why";
  figure.table.columns = {"question", "layers", "settled", "doubt", "because"};
  if (!run.sweep) return figure;
  for (const Decision& decision : run.sweep->decisions) {
    figure.table.rows.push_back(
        {decision.name, decision.layers ? fmt::format("{}", *decision.layers) : "-",
         decision.settled ? "yes" : "no",
         decision.doubt ? fmt::format("{:.1f} %", 100 * *decision.doubt) : "-", decision.sentence});
  }
  return figure;
}

Figure trials_of(const Run& run) {
  Figure figure;
  figure.id = "trials";
  figure.title = "Every trial";
  figure.table.columns = {"trial",        "tried",         "why",           "generation tok/s",
                          "prompt tok/s", "device memory", "whole context", "disturbed by",
                          "outcome",      "notes"};
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    const Trial& trial = run.results[i];
    figure.table.rows.push_back({fmt::format("{}", i), name_of(trial), trial.reason,
                                 speed_of(trial.generation), speed_of(trial.prompt),
                                 shown(trial.vram_used_bytes, format_bytes), depth_state(trial),
                                 disturbances_of(trial), outcome_of(trial),
                                 fmt::format("{}", fmt::join(trial.notes, "; "))});
  }
  return figure;
}

Figure surroundings_of(const Run& run) {
  Figure figure;
  figure.id = "surroundings";
  figure.title = "Machine, engine, model, workload";
  figure.table.columns = {"what", "value"};
  add_fact(figure, "model", run.model.name.value_or(run.model.path));
  add_fact(figure, "file", run.model.path);
  add_fact(figure, "quantization",
           fmt::format("{}, {}", run.model.quantization, format_bytes(run.model.size_bytes)));
  add_fact(figure, "layers",
           fmt::format("{} blocks and the output: {}", run.model.n_layer,
                       run.model.offloadable_layers()));
  for (const DeviceReport& listed : run.devices) {
    add_fact(
        figure, "device",
        fmt::format("{}: {}, {}, {}", listed.device.id, listed.device.description,
                    listed.device.backend, shown(listed.device.memory_total_bytes, format_bytes)));
    if (!listed.status) continue;
    add_fact(figure, "driver",
             fmt::format("{} {}", listed.status->driver,
                         listed.status->driver_version.value_or("of unknown version")));
  }
  add_fact(figure, "llama.cpp", run.engine.build());
  add_fact(figure, "ggml", run.engine.ggml_version);
  add_fact(figure, "backends", fmt::format("{}", fmt::join(run.engine.backends, ", ")));
  add_fact(figure, "processor",
           fmt::format("{}, {} cores, {} threads used", run.machine.cpu, run.machine.physical_cores,
                       run.machine.usable_threads));
  add_fact(figure, "system", fmt::format("{}, kernel {}", run.machine.os, run.machine.kernel));
  add_fact(figure, "memory", shown(run.machine.memory_total_bytes, format_bytes));
  add_fact(figure, "workload",
           fmt::format("{} prompt and {} generated tokens at depth {}, {} sequence{}",
                       run.workload.n_prompt, run.workload.n_gen, run.workload.n_depth,
                       run.workload.n_parallel, run.workload.n_parallel == 1 ? "" : "s"));
  add_fact(figure, "measuring",
           fmt::format("{}, to ±{:.2g} %, at most {:.3g} s each", run.settings.mode,
                       100 * run.settings.precision, run.settings.max_seconds));
  add_fact(figure, "began", run.started_at);
  add_fact(figure, "ended", run.finished_at.empty() ? "not ended" : run.finished_at);
  add_fact(figure, "sweetspot", run.tool_version);
  return figure;
}

Figure clocks_over_time(const Run& run) {
  return over_time(run, {"clocks",
                         "Graphics clock",
                         "MHz",
                         {{"mean", &Telemetry::graphics_clock_mhz},
                          {"lowest", &Telemetry::graphics_clock_min_mhz},
                          {"the card's limit", &Telemetry::graphics_clock_limit_mhz}}});
}

Figure power_over_time(const Run& run) {
  return over_time(run, {"power", "Power", "W", {{"mean", &Telemetry::power_w}}});
}

Figure temperature_over_time(const Run& run) {
  return over_time(run, {"temperature",
                         "Temperature",
                         "°C",
                         {{"at the start", &Telemetry::temperature_start_c},
                          {"highest", &Telemetry::temperature_max_c}}});
}

Figure use_over_time(const Run& run) {
  return over_time(run, {"use", "Utilisation", "%", {{"mean", &Telemetry::utilisation_percent}}});
}

}  // namespace sweetspot::page
