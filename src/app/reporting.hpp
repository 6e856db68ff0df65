// Files that were measured or planned, as one report to look at, paste or share.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/enum_names.hpp"
#include "core/error.hpp"
#include "process/cancel.hpp"

namespace sweetspot::app {

enum class ReportFormat { html, markdown, json, svg };

/// As typed after --format.
constexpr EnumNames<ReportFormat, 4> names_of(ReportFormat /*of*/) {
  return {{
      {ReportFormat::html, "html"},
      {ReportFormat::markdown, "markdown"},
      {ReportFormat::json, "json"},
      {ReportFormat::svg, "svg"},
  }};
}

struct ReportJob {
  std::vector<std::string> paths;  ///< of runs and plans; at least one
  ReportFormat format = ReportFormat::html;
  bool share = false;  ///< leave out what tells who made it and where (page/share.hpp)
  std::vector<std::string> private_words;        ///< names of users and hosts, left out then too
  std::string chart = {};                        ///< of svg: the figure's id; empty = the only one
  std::string browser = {};                      ///< of svg: which draws; empty = the first found
  std::string search_path = {};                  ///< of svg: where, as the variable PATH
  const process::CancelToken* cancel = nullptr;  ///< ends the wait for the browser
};

/// The whole document. Errors: usage (a file that is none, several files as JSON or SVG), those of
/// page::chart_of(), find_browser(), document_after_scripts() and page::picture_in().
Result<std::string> report_text(const ReportJob& job);

}  // namespace sweetspot::app
