#include "page/run_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "page/figures_of_run.hpp"
#include "page/texts.hpp"

namespace sweetspot::page {
namespace {

std::string command_for(const Run& run, const Trial& trial) {
  Config config = trial.config;
  config.placement.n_gpu_layers = trial.layers;
  return "llama-server " + exporting::line_to_paste(exporting::llama_server_arguments(
                               config, run.model.path, run.settings.rpc));
}

std::string answer_of(const Run& run, const Trial& trial) {
  std::string text = run.tune ? "Use these settings" : fmt::format("Use {}", name_of(trial));
  if (trial.speed()) {
    text += fmt::format(": {} tokens per second", with_interval(trial.speed()->tokens_per_second));
  }
  if (run.tune) return text + ". " + capitalised(run.tune->verdict);
  if (!run.analysis.speed_up_over_cpu) return text;
  return text + fmt::format(", {:.2f} times the CPU alone", *run.analysis.speed_up_over_cpu);
}

std::vector<std::string> remarks_of(const Run& run) {
  std::vector<std::string> remarks = run.notices;
  if (!run.settings.complete) remarks.emplace_back("The run was not finished");
  if (run.sweep && !run.sweep->ended.empty()) remarks.push_back("It ended: " + run.sweep->ended);
  if (run.tune && !run.tune->ended.empty()) remarks.push_back("It ended: " + run.tune->ended);
  const auto disturbed =
      std::count_if(run.results.begin(), run.results.end(),
                    [](const Trial& trial) { return !trial.disturbances.empty(); });
  if (disturbed > 0) {
    remarks.push_back(fmt::format("{} of {} trials were disturbed", disturbed, run.results.size()));
  }
  return remarks;
}

std::vector<Figure> figures_of_profile(const Run& run) {
  return {generation_speed(run), memory_in_use(run),         profiles_of(run),
          prompt_speed(run),     speed_at_depth(run),        decisions_of(run),
          memory_accounts(run),  clocks_over_time(run),      power_over_time(run),
          use_over_time(run),    temperature_over_time(run), trials_of(run),
          surroundings_of(run)};
}

// Trials of a tune with as many layers differ in other knobs: pictures by layers would mislead.
std::vector<Figure> figures_of_tune(const Run& run) {
  return {finals_of(run),        front_of(run),
          profiles_of(run),      search_of(run),
          speed_at_depth(run),   memory_accounts(run),
          clocks_over_time(run), power_over_time(run),
          use_over_time(run),    temperature_over_time(run),
          trials_of(run),        surroundings_of(run)};
}

// Of a run without a device all memory is 0, of one without a driver there is nothing.
bool shows_something(const Chart& chart) {
  return std::any_of(chart.marks.begin(), chart.marks.end(),
                     [](const Mark& mark) { return mark.y != 0; });
}

}  // namespace

Page page_of(const Run& run) {
  Page page;
  const std::string name = run.model.name.value_or(run.model.path);
  page.title = fmt::format("{}: {}", run.tune ? "tune" : "profile", name);
  if (const Trial* const best = run.result(run.best())) {
    page.answer = answer_of(run, *best);
    page.command = command_for(run, *best);
  } else {
    page.answer =
        run.tune && !run.tune->verdict.empty() ? run.tune->verdict : "Nothing can be recommended";
  }
  page.answer = capitalised(std::move(page.answer));
  page.remarks = remarks_of(run);
  for (Figure& figure : run.tune ? figures_of_tune(run) : figures_of_profile(run)) {
    if (figure.table.rows.empty()) continue;
    if (figure.chart && !shows_something(*figure.chart)) figure.chart.reset();
    page.figures.push_back(std::move(figure));
  }
  return page;
}

}  // namespace sweetspot::page
