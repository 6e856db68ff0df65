// sweetspot compare: two runs held against each other.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "cli/environment.hpp"
#include "cli/open_history.hpp"
#include "cli/print.hpp"
#include "cli/slower_option.hpp"
#include "compare/comparison.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "history/index.hpp"
#include "report/comparison_report.hpp"
#include "store/run_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kCompareExamples = R"(
A and B are files that profile or tune wrote, or names that `sweetspot history`
shows. Two runs are two loads, and loads of the same settings differ by a
percent or two although nothing has changed: the intervals allow for that.
--fail-if-slower ends with exit code 1 where B is slower by more than that for
certain (the whole 95 % interval is).

Examples:
  sweetspot compare before.json after.json
  sweetspot compare zephyr-7b-20261101T101500Z latest
  sweetspot compare old.json new.json --fail-if-slower 3%
)";

struct CompareOptions {
  std::string a;
  std::string b;
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

}  // namespace

void add_compare(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<CompareOptions>();
  app.footer(kCompareExamples);
  app.add_option("A", options->a, "The run before: a file, or a name in the history")->required();
  app.add_option("B", options->b, "The run after")->required();
  add_fail_if_slower(app, options->slower);
  app.add_flag("--json", options->json, "As JSON");
  app.callback(
      [options, &environment, &outcome] { outcome = compare_runs(*options, environment); });
}

}  // namespace sweetspot::cli
