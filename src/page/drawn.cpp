#include "page/drawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "core/text.hpp"

namespace sweetspot::page {
namespace {

std::vector<const Figure*> charts_of(const Page& page) {
  std::vector<const Figure*> charts;
  for (const Figure& figure : page.figures) {
    if (is_drawn(figure)) charts.push_back(&figure);
  }
  return charts;
}

std::string names_of(const std::vector<const Figure*>& charts) {
  std::string names;
  for (const Figure* const chart : charts) {
    if (!names.empty()) names += ", ";
    names += chart->id;
  }
  return names;
}

// What encodeURIComponent() makes of a text; nothing where it is no such text.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned byte = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (digits.size() < 2 || read.ptr != digits.data() + digits.size()) return std::nullopt;
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace

Result<const Figure*> chart_of(const Page& page, std::string_view id) {
  const std::vector<const Figure*> charts = charts_of(page);
  if (charts.empty()) {
    return error(ErrorKind::usage, "there is no chart in it", "--format markdown has its tables");
  }
  if (id.empty() && charts.size() == 1) return charts.front();
  const auto found = std::find_if(charts.begin(), charts.end(),
                                  [&](const Figure* chart) { return chart->id == id; });
  if (found != charts.end()) return *found;
  return error(ErrorKind::usage,
               id.empty() ? std::string("an SVG file holds one chart")
                          : fmt::format("there is no chart '{}' in it", shortened(id)),
               fmt::format("give --chart one of: {}", names_of(charts)));
}

// Names in the data cannot look like it: in a page no text has a "<" and no value a quote.
Result<std::string> picture_in(std::string_view dom) {
  const std::string begin = fmt::format("<pre id=\"{}\">", kPictureId);
  const std::size_t at = dom.find(begin);
  const std::size_t from = at == std::string_view::npos ? dom.size() : at + begin.size();
  const std::size_t to = std::min(dom.find('<', from), dom.size());
  auto picture = percent_decoded(dom.substr(from, to - from));
  if (!picture || picture->substr(0, 4) != "<svg") {
    return error(ErrorKind::internal, "the browser drew no chart",
                 "open the HTML page in it: the button under the chart saves it");
  }
  return *std::move(picture) + "\n";
}

}  // namespace sweetspot::page
