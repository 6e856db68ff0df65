// sweetspot check: a stored profile measured again, and whether it still holds.

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "app/checking.hpp"
#include "cli/environment.hpp"
#include "cli/measuring_command.hpp"
#include "cli/output.hpp"
#include "cli/percent.hpp"
#include "cli/print.hpp"
#include "cli/requirement_options.hpp"
#include "cli/slower_option.hpp"
#include "compare/comparison.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "report/check_report.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kCheckExamples = R"(
One load and a few minutes: the profile that `sweetspot choose` gives now is
measured again, as it was then and with the engine of then, and held against
what is stored. Nothing that is stored changes; the run is kept (sweetspot
history). Then and now are two loads, and loads of the same settings differ by
a percent or two although nothing has changed: the intervals allow for that.

Exit codes: 1 where --fail-if-slower says so, 5 where the profile cannot be
loaded or measured any more.

Examples:
  sweetspot check model.gguf                       after an update of llama.cpp or the driver
  sweetspot check model.gguf --profile balanced
  sweetspot check model.gguf --engine ./new/llama-server    would another build hold it?
  sweetspot check model.gguf --fail-if-slower 5%
)";

struct CheckOptions {
  MeasuringOptions measuring;
  RequirementOptions requirements;
  SlowerOption slower;
};

Result<app::CheckPlan> plan_of(const CheckOptions& options, const Environment& environment) {
  const MeasuringOptions& measuring = options.measuring;
  if (const Status file = check_results_path(measuring.output_path); !file) {
    return tl::unexpected(file.error());
  }
  const Result<double> precision = parse_percent(measuring.precision, "--precision");
  if (!precision) return tl::unexpected(precision.error());
  app::CheckJob job;
  Result<KnownModel> model = known_model(measuring.model_path, measuring.connection, environment);
  if (!model) return tl::unexpected(model.error());
  job.model_path = std::move(model->path);
  job.connection = std::move(model->connection);
  const Result<Wanted> wanted = wanted_of(options.requirements);
  if (!wanted) return tl::unexpected(wanted.error());
  job.wanted = wanted->requirements;
  job.set = wanted->set;
  Result<app::CheckPlan> plan = app::plan_check(job, environment.workplace);
  if (!plan) return plan;
  plan->request.precision = *precision;
  plan->request.max_seconds = measuring.max_seconds;
  plan->request.output_path = measuring.output_path;
  return plan;
}

compare::Comparison comparison_of(const Run& run, const app::CheckPlan& plan,
                                  const Environment& environment) {
  return compare::compare(plan.before, app::found_again(run, plan, environment.workplace),
                          plan.profile);
}

Result<int> check(const CheckOptions& options, const Environment& environment) {
  const Result<std::optional<double>> limit = slower_limit(options.slower);
  if (!limit) return tl::unexpected(limit.error());
  const Result<app::CheckPlan> plan = plan_of(options, environment);
  if (!plan) return tl::unexpected(plan.error());
  constexpr std::size_t kMostChars = 1000;
  for (const std::string& note : plan->notes) {
    say(environment.err, "sweetspot: note: {}.\n", printable(note, kMostChars));
  }
  compare::Comparison comparison;
  MeasuringCommand command;
  command.keeps_profiles = false;
  command.measure = [&](profiler::Profiler& profiler, const profiler::Observer& observer) {
    return Result<profiler::RunOutcome>(
        profiler.run_config(profiler.prepared().base_config, "check", observer));
  };
  const std::string anew =
      "sweetspot profile " + exporting::line_to_paste({plan->request.model_path});
  command.text = [&](const Run& run) {
    if (run.results.empty()) return std::string();
    comparison = comparison_of(run, *plan, environment);
    return report::check_report(comparison, plan->before, plan->profile, run.results.back(), anew,
                                stdout_style(environment));
  };
  command.json = [&](const Run& run) {
    if (!run.results.empty()) comparison = comparison_of(run, *plan, environment);
    return dump(json_of(comparison), kJsonIndent);
  };
  Result<int> done = run_measuring(plan->request, options.measuring, environment, command);
  if (!done) return done;
  return exit_code_of(comparison, *limit);
}

}  // namespace

void add_check(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<CheckOptions>();
  app.footer(kCheckExamples);
  app.add_option("-m,--model,MODEL.gguf", options->measuring.model_path,
                 "The model, the first of its splits, or the name that `profiles list` shows")
      ->required();
  add_requirements(app, options->requirements);
  add_fail_if_slower(app, options->slower);
  add_precision(app, options->measuring);
  app.add_option("-o,--output", options->measuring.output_path,
                 "Results file (default: runs/MODEL-TIME.json in the data folder)")
      ->type_name("FILE")
      ->group("Output");
  app.add_flag("--json", options->measuring.json, "Print the comparison as JSON")->group("Output");
  app.add_flag("--no-store", options->measuring.no_store, "Do not keep the run")->group("Output");
  add_connection(app, options->measuring.connection);
  app.callback([options, &environment, &outcome] { outcome = check(*options, environment); });
}

}  // namespace sweetspot::cli
