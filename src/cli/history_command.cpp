// sweetspot history: what was measured on this machine.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli/environment.hpp"
#include "cli/open_history.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "history/index.hpp"
#include "report/history_table.hpp"
#include "report/run_report.hpp"
#include "report/screen.hpp"
#include "report/tune_report.hpp"
#include "store/durable_file.hpp"
#include "store/run_file.hpp"
#include "store/run_place.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kHistoryExamples = R"(
NAME is what the list shows, an unambiguous beginning of it, a path, or "latest".

Examples:
  sweetspot history                           every run, the newest first
  sweetspot history zephyr --since 2026-11    those of a model, of some time
  sweetspot history show latest
  sweetspot history export zephyr-7b-2026 -o run.json
  sweetspot history import run.json           keep one that lies elsewhere
  sweetspot history remove zephyr-7b-20261130T191843Z
)";

struct HistoryOptions {
  history::Wanted wanted;
  std::vector<std::string> names;
  std::string output_path;
  bool json = false;
};

Result<int> list_history(const HistoryOptions& options, const Environment& environment) {
  const Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  const Result<std::vector<RunEntry>> entries = index->list(options.wanted);
  if (!entries) return tl::unexpected(entries.error());
  if (options.json) {
    Json document = {{"schema", "sweetspot.history/1"}, {"runs", Json::array()}};
    for (const RunEntry& entry : *entries) document["runs"].push_back(json_of(entry));
    return print_all(environment, dump(document, kJsonIndent) + '\n');
  }
  if (const auto unreadable = index->unreadable()) {
    for (const history::Unreadable& file : *unreadable) {
      say(environment.err, "{} is no run: {}\n", printable(file.path), printable(file.why));
    }
  }
  if (entries->empty()) {
    return print_all(
        environment,
        "No run is kept that was asked for. `sweetspot profile MODEL.gguf` makes one.\n");
  }
  return print_all(environment, report::history_table(*entries, stdout_style(environment)));
}

Result<int> show_run(const HistoryOptions& options, const Environment& environment) {
  const Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  const Result<RunEntry> entry = index->find(options.names.front());
  if (!entry) return tl::unexpected(entry.error());
  const Result<Run> run = store::load_run(entry->path);
  if (!run) return tl::unexpected(run.error());
  const report::Style style = stdout_style(environment);
  const std::vector<std::string> found =
      run->tune
          ? std::vector{report::tune_table(*run, style), report::tune_text(*run, style),
                        report::failures_text(*run, style)}
          : std::vector{report::results_table(*run, style), report::analysis_text(*run, style),
                        report::profiles_text(*run, style)};
  std::vector<std::string> parts = {report::header_text(*run, style)};
  parts.insert(parts.end(), found.begin(), found.end());
  return print_all(environment, report::parted(parts));
}

Result<int> export_run(const HistoryOptions& options, const Environment& environment) {
  const Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  const Result<RunEntry> entry = index->find(options.names.front());
  if (!entry) return tl::unexpected(entry.error());
  const Result<std::string> text = store::read_document(entry->path);
  if (!text) return tl::unexpected(text.error());
  return print_or_write(environment, options.output_path, *text);
}

// A file to be kept, and where.
struct Imported {
  std::string text;
  std::string model_path;
  std::string started_at;
};

Result<Imported> read_import(const std::string& path) {
  Result<std::string> text = store::read_document(path);
  if (!text) return tl::unexpected(text.error());
  const Result<Run> run = store::parse_run(*text, path);
  if (!run) return tl::unexpected(run.error());
  return Imported{*std::move(text), run->model.path, run->started_at};
}

// All or none: of a list of which one is no run nothing is kept.
Result<int> import_runs(const HistoryOptions& options, const Environment& environment) {
  const Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  std::vector<Imported> imports;
  for (const std::string& path : options.names) {
    Result<Imported> import = read_import(path);
    if (!import) return tl::unexpected(import.error());
    imports.push_back(*std::move(import));
  }
  for (const Imported& import : imports) {
    const Result<store::RunPlace> place = store::place_for_run(
        environment.workplace.data_folder, import.model_path, import.started_at);
    if (!place) return tl::unexpected(place.error());
    if (const Status kept = store::write_atomically(place->path(), import.text); !kept) {
      return tl::unexpected(kept.error());
    }
    say(environment.err, "kept as {}\n", printable(place->path()));
  }
  return 0;
}

Result<int> remove_runs(const HistoryOptions& options, const Environment& environment) {
  Result<history::Index> index = open_history(environment);
  if (!index) return tl::unexpected(index.error());
  std::vector<RunEntry> entries;
  for (const std::string& name : options.names) {
    const Result<RunEntry> entry = index->find(name);
    if (!entry) return tl::unexpected(entry.error());
    entries.push_back(*entry);
  }
  for (const RunEntry& entry : entries) {
    const Result<bool> with_file = index->remove(entry);
    if (!with_file) return tl::unexpected(with_file.error());
    say(environment.err, "{} {}{}\n", *with_file ? "removed" : "forgot", printable(entry.path),
        *with_file ? "" : ", whose file stays");
  }
  return 0;
}

}  // namespace

void add_history(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<HistoryOptions>();
  app.footer(kHistoryExamples);
  app.add_option("MODEL", options->wanted.model, "Only runs of models with this in their name");
  app.add_option("--machine", options->wanted.machine, "Only with this in the device's name")
      ->type_name("NAME");
  app.add_option("--with-llama", options->wanted.engine, "Only with this in llama.cpp's build")
      ->type_name("BUILD");
  app.add_option("--since", options->wanted.since, "Only from this day on: 2026-11-30")
      ->type_name("DATE");
  app.add_option("--newest", options->wanted.most, "Only so many")->type_name("N");
  app.add_flag("--json", options->json, "The list as JSON");
  app.callback([&app, options, &environment, &outcome] {
    if (app.get_subcommands().empty()) outcome = list_history(*options, environment);
  });

  const auto add = [&](const char* name, const char* summary, const char* argument,
                       auto run) -> CLI::App* {
    CLI::App* command = app.add_subcommand(name, summary);
    command->add_option(argument, options->names, "Which")->required();
    command->callback(
        [options, run, &environment, &outcome] { outcome = run(*options, environment); });
    return command;
  };
  add("show", "What the run found, as it was shown when it was measured", "NAME", show_run)
      ->get_option("NAME")
      ->expected(1);
  CLI::App* writes = add("export", "The run's file, as JSON", "NAME", export_run);
  writes->get_option("NAME")->expected(1);
  writes->add_option("-o,--output", options->output_path, "A file to write, instead of stdout")
      ->type_name("FILE");
  add("import", "Keep runs that lie somewhere else", "FILE", import_runs);
  add("remove", "Remove runs, with their files where the history keeps them", "NAME", remove_runs);
}

}  // namespace sweetspot::cli
