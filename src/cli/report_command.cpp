// sweetspot report: a page of what was measured or planned.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/reporting.hpp"
#include "cli/output.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "process/replace.hpp"

namespace sweetspot::cli {
namespace {

struct ReportOptions {
  std::vector<std::string> paths;
  std::string output;
  std::string format;
  std::string chart;
  std::string browser;
  bool share = false;
  bool open = false;
};

constexpr const char* kReportExamples = R"(
FILE is what `profile` or `tune` wrote (their last line names it), or what `sweetspot plan MODEL --json`
printed. The page needs no network and no other file.
--share leaves out paths, user and host names, UUIDs, addresses and values of
environment variables. Nothing is ever sent anywhere.
--format svg has a Chromium, Chrome or Edge of yours draw one chart, without a window; without
--chart it says which there are.

Examples:
  sweetspot report run.json -o report.html --open
  sweetspot report monday.json friday.json -o both.html
  sweetspot report run.json --format markdown
  sweetspot report run.json --format svg --chart generation-speed -o speed.svg
  sweetspot report run.json --share --format json -o shared.json
)";

// Short words stand in too many others' texts to be left out, and "root" is nobody's name.
constexpr std::size_t kShortestName = 3;

std::vector<std::string> private_words() {
  std::vector<std::string> words;
  const auto add = [&](std::string_view word) {
    if (word.size() >= kShortestName && word != "root" && word != "localhost") {
      words.emplace_back(word);
    }
  };
  for (const char* name : {"USER", "LOGNAME"}) {
    if (const char* value = std::getenv(name)) add(value);
  }
  if (const char* value = std::getenv("HOME")) {
    const std::string_view home = value;
    add(home.substr(home.rfind('/') + 1));
  }
  std::array<char, 256> host = {};
  if (::gethostname(host.data(), host.size() - 1) == 0) add(host.data());
  return words;
}

Result<app::ReportJob> report_job(const ReportOptions& options, const Environment& environment) {
  app::ReportJob job;
  job.chart = options.chart;
  job.browser = options.browser;
  if (const char* value = std::getenv("PATH")) job.search_path = value;
  job.cancel = environment.workplace.cancel;
  job.paths = options.paths;
  job.share = options.share;
  if (job.share) job.private_words = private_words();
  const auto format = options.format.empty() ? app::ReportFormat::html
                                             : from_string<app::ReportFormat>(options.format);
  if (!format) {
    return error(ErrorKind::usage,
                 fmt::format("--format does not take '{}'", shortened(options.format)),
                 "give html, markdown, json or svg");
  }
  job.format = *format;
  if (job.format != app::ReportFormat::svg && !(options.chart + options.browser).empty()) {
    return error(ErrorKind::usage, "--chart and --browser are for one chart as a picture",
                 "add --format svg");
  }
  return job;
}

Result<int> write_report(const ReportOptions& options, const app::ReportJob& job,
                         const Environment& environment) {
  const bool is_page = job.format == app::ReportFormat::html;
  const bool to_stdout = is_stdout(options.output);
  if (to_stdout && is_page && (environment.stdout_is_terminal || options.open)) {
    return error(ErrorKind::usage, "a page is no text for a terminal",
                 "give -o report.html, or --format markdown");
  }
  const Result<std::string> text = app::report_text(job);
  if (!text) return tl::unexpected(text.error());
  Result<int> written = print_or_write(environment, options.output, *text);
  if (!written || to_stdout) return written;
  say(environment.err, "report: {}\n", printable(options.output, 400));
  if (!options.open) return 0;
  return tl::unexpected(process::replace_us_by({"xdg-open", options.output}));
}

Result<int> report(const ReportOptions& options, const Environment& environment) {
  const Result<app::ReportJob> job = report_job(options, environment);
  if (!job) return tl::unexpected(job.error());
  return write_report(options, *job, environment);
}

}  // namespace

void add_report(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ReportOptions>();
  app.footer(kReportExamples);
  app.add_option("FILE", options->paths, "Runs and plans; several make one page")->required();
  app.add_option("-o,--output", options->output, "The file to write; without it stdout")
      ->type_name("FILE");
  app.add_option("--format", options->format,
                 "html (default), markdown, json (the one FILE), or svg (one chart)")
      ->type_name("FORMAT");
  app.add_option("--chart", options->chart, "Of svg: which, \"generation-speed\"")
      ->type_name("NAME");
  app.add_option("--browser", options->browser, "Of svg: the program that draws it")
      ->type_name("PATH");
  app.add_flag("--share", options->share, "Leave out what tells who made it and where");
  app.add_flag("--open", options->open, "Open the page when it is written");
  app.callback([options, &environment, &outcome] { outcome = report(*options, environment); });
}

}  // namespace sweetspot::cli
