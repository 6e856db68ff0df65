// sweetspot plan: what every configuration costs, before anything is loaded.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/engines.hpp"
#include "cli/command_of.hpp"
#include "cli/environment.hpp"
#include "cli/llama_variables.hpp"
#include "cli/plan_options.hpp"
#include "cli/print.hpp"
#include "core/knobs.hpp"
#include "core/text.hpp"
#include "devices/machine.hpp"
#include "export/llama_names.hpp"
#include "plan/plan_json.hpp"
#include "profiles/limit_threads.hpp"
#include "report/live_line.hpp"
#include "report/plan_report.hpp"
#include "report/plan_screen.hpp"
#include "report/screen.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kPlanExamples = R"help(
Examples:
  sweetspot plan model.gguf               on the GPUs of this machine
  sweetspot plan model.gguf --vram-limit 6GiB -c 8192
  sweetspot plan model.gguf -ngl 24 -c 16384 -ctk q8_0 -ctv q8_0 -fa on
  sweetspot plan half-a-download.gguf --vram-limit 8GiB --cache-types f16,q8_0
  sweetspot plan model.gguf -ncmoe 20 --reserve 1GiB --json > plan.json
  eval "llama-server $(sweetspot plan model.gguf -c 8192 --flags)"
)help";

// What fits, as it can be started here.
std::optional<Config> what_fits(const plan::PlanRecord& record) {
  std::optional<Config> config = record.plan.recommended;
  // A plan for another card may be used in another container, whose cores nobody knows.
  if (config && !record.stand_in) {
    profiles::limit_threads(config->context, devices::this_machine());
  }
  return config;
}

std::string text_of(const plan::PlanRecord& record, const PlanOptions& options,
                    const std::vector<std::string>& rpc, const Environment& environment) {
  const report::Style style = stdout_style(environment);
  const std::optional<Config> fits = what_fits(record);
  std::string text =
      report::plan_screen(record,
                          fits ? command_of(environment.workplace, *fits, record.model.path, rpc)
                               : std::vector<std::string>(),
                          style);
  if (!options.details) return text;
  return report::parted({std::move(text), report::plan_header_text(record, style)}) +
         report::plan_tables(record, style) + report::plan_answers_text(record, style) +
         report::plan_classes_table(record, style);
}

// Which of the printed settings differ from those that were asked for: the line alone does not
// show it.
void tell_changes(const Environment& environment, const Config& asked, const Config& printed) {
  std::string changes;
  for (const Knob& knob : knobs()) {
    if (knob.get(asked) == knob.get(printed)) continue;
    changes += fmt::format("{}{} {} instead of {}", changes.empty() ? "" : ", ",
                           exporting::long_flag(knob), knob_text(knob.get(printed)),
                           knob_text(knob.get(asked)));
  }
  if (changes.empty()) return;
  say(environment.err, "sweetspot: note: changed so that it fits: {}.\n", changes);
}

Result<int> print_flags(const Environment& environment, const plan::PlanRecord& record,
                        const std::vector<std::string>& rpc) {
  const std::optional<Config> config = what_fits(record);
  if (!config) {
    return error(ErrorKind::nothing_measurable,
                 record.plan.fit ? "it does not fit, and no single change makes it fit"
                                 : "there is no device here to fit it to",
                 record.plan.fit ? "ask for fewer layers or a shorter context"
                                 : "give the size of a card with --vram-limit");
  }
  tell_changes(environment, record.plan.request.base, *record.plan.recommended);
  return print_all(
      environment,
      app::arguments_to_start(environment.workplace, *config, record.model.path, rpc) + "\n");
}

Result<int> plan(const PlanOptions& options, const Environment& environment) {
  Result<profiler::PlanJob> job = make_plan_job(options, environment);
  if (!job) return tl::unexpected(job.error());
  note_variables(environment, job->base, options.knobs, !options.layers.empty());
  report::LiveLine line(sink_to(environment.err));
  if (environment.stderr_is_terminal) {
    job->on_progress = [&](double fraction) {
      line.show(fmt::format("asking llama.cpp {:3.0f} %", 100 * std::max(fraction, 0.0)));
    };
  }
  job->on_measuring = [&](const std::string& device) {
    line.clear();
    say_share_is_measured(environment, device);
  };
  const Result<plan::PlanRecord> record = profiler::make_plan(*job);
  line.clear();
  if (!record) return tl::unexpected(record.error());
  if (options.flags) return print_flags(environment, *record, job->start.rpc);
  if (options.json) return print_all(environment, dump(plan::to_json(*record), 2) + "\n");
  return print_all(environment, text_of(*record, options, job->start.rpc, environment));
}

}  // namespace

void add_plan(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<PlanOptions>();
  app.footer(kPlanExamples);
  add_plan_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = plan(*options, environment); });
}

}  // namespace sweetspot::cli
