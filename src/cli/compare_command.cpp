// sweetspot compare: two runs held against each other, or two engines measured now.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "app/comparing.hpp"
#include "cli/environment.hpp"
#include "cli/measuring_options.hpp"
#include "cli/open_history.hpp"
#include "cli/percent.hpp"
#include "cli/print.hpp"
#include "cli/run_progress.hpp"
#include "cli/slower_option.hpp"
#include "compare/comparison.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "core/trial.hpp"
#include "history/index.hpp"
#include "report/comparison_report.hpp"
#include "report/screen.hpp"
#include "store/run_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kCompareExamples = R"(
A and B are files that profile or tune wrote, or names that `sweetspot history`
shows. Two runs are two loads, and loads of the same settings differ by a
percent or two although nothing has changed: the intervals allow for that.
--fail-if-slower ends with exit code 1 where B is slower by more than that for
certain (the whole 95 % interval is).

With --engine twice, A is a model: its chosen profile (sweetspot choose) is measured
now with both, in turn, loaded at once where both fit. That finds 3 %. Both runs
are kept.

Examples:
  sweetspot compare before.json after.json
  sweetspot compare zephyr-7b-20261101T101500Z latest
  sweetspot compare old.json new.json --fail-if-slower 3%
  sweetspot compare model.gguf --engine linked --engine ./new/llama-server
)";

struct CompareOptions {
  std::string a;
  std::string b;
  std::vector<std::string> engines;
  MeasuringOptions measuring;
  double max_minutes = 10;
  std::string profile = "auto";
  SlowerOption slower;
  bool json = false;
};

// A file that is there is meant before a name in the history.
Result<Run> run_called(const std::string& name, const Environment& environment) {
  std::error_code none;
  if (std::filesystem::exists(name, none)) return store::load_run(name);
  if (environment.workplace.data_folder.empty()) return store::load_run(name);
  const Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  const Result<RunEntry> entry = index->find(name);
  if (!entry) {
    return error(ErrorKind::usage,
                 fmt::format("'{}' is no file, and {}", printable(name), entry.error().message),
                 entry.error().remedy);
  }
  return store::load_run(entry->path);
}

Result<int> compare_runs(const CompareOptions& options, const Environment& environment) {
  const Result<std::optional<double>> limit = slower_limit(options.slower);
  if (!limit) return tl::unexpected(limit.error());
  const Result<Run> a = run_called(options.a, environment);
  if (!a) return tl::unexpected(a.error());
  const Result<Run> b = run_called(options.b, environment);
  if (!b) return tl::unexpected(b.error());
  const compare::Comparison comparison = compare::compare(*a, *b);
  Result<int> printed = print_all(
      environment, options.json ? dump(json_of(comparison), kJsonIndent) + '\n'
                                : report::comparison_report(comparison, options.a, options.b,
                                                            stdout_style(environment)));
  if (!printed) return printed;
  return exit_code_of(comparison, *limit);
}

// ---- engines

Result<app::EnginesJob> engines_job(const CompareOptions& options, const Environment& environment) {
  app::EnginesJob job;
  Result<KnownModel> model = known_model(options.a, options.measuring.connection, environment);
  if (!model) return tl::unexpected(model.error());
  job.what.model_path = std::move(model->path);
  job.what.connection = std::move(model->connection);
  job.what.wanted.profile = options.profile;
  const Result<double> precision = parse_percent(options.measuring.precision, "--precision");
  if (!precision) return tl::unexpected(precision.error());
  job.engines = {options.engines[0], options.engines[1]};
  job.precision = *precision;
  job.max_seconds = options.measuring.max_seconds;
  constexpr double kSeconds = 60;
  job.rules.max_seconds = kSeconds * options.max_minutes;
  job.keep = !options.measuring.no_store;
  return job;
}

// What the turns on both say of one speed, beside the speeds of the last loads.
void take_turns(compare::Comparison& comparison, const app::EnginesCompared& compared,
                compare::Measure measure, const std::optional<Estimate>& ratio) {
  if (!ratio) return;
  const Trial& a = app::last_whole(compared.duel.a.run);
  const Trial& b = app::last_whole(compared.duel.b.run);
  const auto speed = measure == compare::Measure::generation ? &Trial::generation : &Trial::prompt;
  if (!(a.*speed) || !(b.*speed)) return;
  compare::take_ratio(comparison, {compared.profile,
                                   measure,
                                   a.layers,
                                   b.layers,
                                   (a.*speed)->tokens_per_second,
                                   (b.*speed)->tokens_per_second,
                                   *ratio,
                                   {}});
}

compare::Comparison comparison_in_turn(const app::EnginesCompared& compared) {
  const profiler::DuelOutcome& duel = compared.duel;
  compare::Comparison comparison = compare::compare(compared.a, compared.b, compared.profile);
  comparison.differences = compare::differences(duel.a.run, duel.b.run);
  take_turns(comparison, compared, compare::Measure::generation,
             profiler::ratio_over(duel.rounds, &profiler::DuelRound::generation));
  take_turns(comparison, compared, compare::Measure::prompt,
             profiler::ratio_over(duel.rounds, &profiler::DuelRound::prompt));
  return comparison;
}

std::string how_measured(const profiler::DuelOutcome& duel) {
  const std::size_t rounds = duel.rounds.size();
  return fmt::format("Measured in {} round{}, {}.", rounds, rounds == 1 ? "" : "s",
                     duel.rounds.back().in_turn ? "both loaded at once, taking turns"
                                                : "one loaded after the other");
}

Result<int> compare_engines(const CompareOptions& options, const Environment& environment) {
  const Result<std::optional<double>> limit = slower_limit(options.slower);
  if (!limit) return tl::unexpected(limit.error());
  const Result<app::EnginesJob> job = engines_job(options, environment);
  if (!job) return tl::unexpected(job.error());
  RunProgress progress(environment, 2 * options.measuring.max_seconds);
  const Result<app::EnginesCompared> compared = app::compare_engines(
      *job, [&](const profiler::Event& event) { progress.on_event(event); }, environment.workplace);
  progress.finish();
  if (!compared) return tl::unexpected(compared.error());
  constexpr std::size_t kMostChars = 1000;
  for (const std::string& note : compared->notes) {
    say(environment.err, "sweetspot: note: {}.\n", printable(note, kMostChars));
  }
  const compare::Comparison comparison = comparison_in_turn(*compared);
  const report::Style style = stdout_style(environment);
  std::string text =
      options.json
          ? dump(json_of(comparison), kJsonIndent) + '\n'
          : report::comparison_report(comparison, options.engines[0], options.engines[1], style) +
                "\n" + report::sentence_text(how_measured(compared->duel), style);
  for (const std::string& path : compared->paths) {
    if (!options.json) text += "Results: " + printable(path, kMostChars) + "\n";
  }
  Result<int> printed = print_all(environment, text);
  if (!printed) return printed;
  return exit_code_of(comparison, *limit);
}

Result<int> compare_either(const CompareOptions& options, const Environment& environment) {
  if (options.engines.empty() && !options.b.empty()) return compare_runs(options, environment);
  if (options.engines.size() == 2 && options.b.empty()) {
    return compare_engines(options, environment);
  }
  return error(ErrorKind::usage,
               options.engines.empty() ? "compare takes two runs, and one is given"
                                       : "compare takes two runs, or a model and --engine twice",
               "give A and B, or MODEL --engine A --engine B");
}

}  // namespace

void add_compare(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<CompareOptions>();
  app.footer(kCompareExamples);
  app.add_option("A", options->a,
                 "The run before: a file, or a name in the history; with --engine the model")
      ->required();
  app.add_option("B", options->b, "The run after");
  constexpr const char* kEngines = "Two engines";
  app.add_option("--engine", options->engines,
                 "Twice: the two llama.cpps that are measured (see sweetspot engine --help)")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false)
      ->type_name("ENGINE")
      ->group(kEngines);
  app.add_option("--profile", options->profile, "The profile of the model that both load")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(kEngines);
  app.add_option("--max-minutes", options->max_minutes, "No round begins after that")
      ->check(CLI::Range(0.1, 1440.0))
      ->type_name("MINUTES")
      ->capture_default_str()
      ->group(kEngines);
  app.add_flag("--no-store", options->measuring.no_store, "Do not keep the runs")->group(kEngines);
  add_precision(app, options->measuring);
  add_connection(app, options->measuring.connection);
  add_fail_if_slower(app, options->slower);
  app.add_flag("--json", options->json, "As JSON");
  app.callback(
      [options, &environment, &outcome] { outcome = compare_either(*options, environment); });
}

}  // namespace sweetspot::cli
