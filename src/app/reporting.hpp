// Files that were measured or planned, as one report to look at, paste or share.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/enum_names.hpp"
#include "core/error.hpp"

namespace sweetspot::app {

enum class ReportFormat { html, markdown, json };

/// As typed after --format.
constexpr EnumNames<ReportFormat, 3> names_of(ReportFormat /*of*/) {
  return {{
      {ReportFormat::html, "html"},
      {ReportFormat::markdown, "markdown"},
      {ReportFormat::json, "json"},
  }};
}

struct ReportJob {
  std::vector<std::string> paths;  ///< of runs and plans; at least one
  ReportFormat format = ReportFormat::html;
  bool share = false;  ///< leave out what tells who made it and where (page/share.hpp)
  std::vector<std::string> private_words;  ///< names of users and hosts, left out then too
};

/// The whole document. Errors: usage (a file that is none, several files as JSON).
Result<std::string> report_text(const ReportJob& job);

}  // namespace sweetspot::app
