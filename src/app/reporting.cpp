#include "app/reporting.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "app/browser.hpp"
#include "page/drawn.hpp"
#include "page/html.hpp"
#include "page/markdown.hpp"
#include "page/share.hpp"
#include "page/source.hpp"
#include "profiles/server_now.hpp"
#include "store/run_file.hpp"

namespace sweetspot::app {
namespace {

Result<std::string> document_at(const std::string& path, const ReportJob& job) {
  Result<std::string> text = store::read_document(path);
  if (!text || !job.share) return text;
  // What is no document is refused by its name, below.
  Result<std::string> clean = page::shared(*text, job.private_words);
  return clean ? clean : text;
}

// The command on the page is that of the last screen, for which the host's memory counts.
void say_as_on_the_screen(Run& run) {
  const Trial* const best = run.result(run.best());
  if (best == nullptr) return;
  run.results[*run.best()].config.server = profiles::server_then(run, *best);
}

bool is_of_one_file(ReportFormat format) {
  return format == ReportFormat::json || format == ReportFormat::svg;
}

Result<std::string> drawn(const page::Page& page, const ReportJob& job) {
  const Result<const page::Figure*> chart = page::chart_of(page, job.chart);
  if (!chart) return tl::unexpected(chart.error());
  Result<std::string> browser = find_browser(job.browser, job.search_path);
  if (!browser) return browser;
  Result<std::string> document =
      document_after_scripts(*browser, page::html_to_draw(page, **chart), job.cancel);
  if (!document) return document;
  return page::picture_in(*document);
}

}  // namespace

Result<std::string> report_text(const ReportJob& job) {
  if (is_of_one_file(job.format) && job.paths.size() > 1) {
    return error(ErrorKind::usage,
                 fmt::format("--format {} is for one file", to_string(job.format)), "give one");
  }
  std::vector<page::Page> pages;
  for (const std::string& path : job.paths) {
    Result<std::string> text = document_at(path, job);
    if (!text) return text;
    Result<page::Source> source = page::parse_source(*text, path);
    if (!source) return tl::unexpected(source.error());
    if (job.format == ReportFormat::json) return text;
    if (Run* const run = std::get_if<Run>(&*source)) say_as_on_the_screen(*run);
    pages.push_back(page::page_of(*source));
  }
  if (job.format == ReportFormat::svg) return drawn(pages.front(), job);
  return job.format == ReportFormat::html ? page::html_of(pages) : page::markdown_of(pages);
}

}  // namespace sweetspot::app
