#include "page/html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/json_writer.hpp"
#include "core/text.hpp"
#include "ground/pieces.hpp"
#include "page/assets.hpp"
#include "page/drawn.hpp"

namespace sweetspot::page {
namespace {

constexpr std::size_t kMostHtmlChars = 4000;

// "31.4", "5.00 GiB", "31.4 (31.1 to 31.7)", and "-" for one that is absent.
bool is_number(std::string_view cell) {
  constexpr std::array<std::string_view, 7> kAmongNumbers = {"-",   "to",  "%",  "B",
                                                             "KiB", "MiB", "GiB"};
  const std::vector<std::string_view> words = words_of(cell);
  return std::all_of(words.begin(), words.end(), [&](std::string_view word) {
    const bool known =
        std::find(kAmongNumbers.begin(), kAmongNumbers.end(), word) != kAmongNumbers.end();
    return known || word.find_first_not_of("0123456789.()") == std::string_view::npos;
  });
}

bool all_numbers(const DataTable& table, std::size_t column) {
  return std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return column >= row.size() || row[column].empty() || is_number(row[column]);
  });
}

std::string table_of(const DataTable& table, std::string_view caption) {
  std::string head;
  std::vector<std::string_view> kind;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    kind.emplace_back(all_numbers(table, i) ? " class=\"number\"" : "");
    head += fmt::format("<th scope=\"col\"{}>{}</th>", kind.back(), html_text(table.columns[i]));
  }
  std::string body;
  for (const auto& row : table.rows) {
    body += "<tr>";
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      body += fmt::format("<td{}>{}</td>", kind[i], i < row.size() ? html_text(row[i]) : "");
    }
    body += "</tr>\n";
  }
  return fmt::format(
      "<div class=\"scroll\"><table><caption>{}</caption><thead><tr>{}</tr></thead>\n<tbody>\n{}"
      "</tbody></table></div>\n",
      html_text(caption), head, body);
}

std::string section_of(const Figure& figure, const std::string& id) {
  std::string text = fmt::format("<section id=\"{}\"><h3>{}</h3>\n", id, html_text(figure.title));
  if (!figure.caption.empty()) {
    text += fmt::format("<p class=\"caption\">{}</p>\n", html_text(figure.caption));
  }
  const std::string table = table_of(figure.table, figure.title);
  if (is_drawn(figure)) {
    text += fmt::format(
        "<figure class=\"chart\" data-figure=\"{}\"></figure>\n"
        "<details><summary>The numbers as a table</summary>\n{}</details>\n",
        id, table);
  } else {
    text += table;
  }
  return text + "</section>\n";
}

std::string head_of(const Page& page) {
  std::string text = fmt::format("<h2>{}</h2>\n<p class=\"answer\">{}</p>\n", html_text(page.title),
                                 html_text(page.answer));
  if (!page.command.empty()) {
    text += fmt::format(
        "<div class=\"command\"><pre><code>{}</code></pre>"
        "<button type=\"button\" class=\"copy\">Copy</button></div>\n",
        html_text(page.command));
  }
  if (!page.remarks.empty()) text += "<ul class=\"remarks\">\n";
  for (const std::string& remark : page.remarks) {
    text += fmt::format("<li>{}</li>\n", html_text(remark));
  }
  if (!page.remarks.empty()) text += "</ul>\n";
  return text;
}

// "</script>" and "<!--" would end or change the element that the data stands in: no "<" is left.
std::string script_data(const Json& data) {
  std::string text;
  for (const char c : dump(data)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

Json drawing_of(const Figure& figure) {
  Json drawing = Json::object();
  drawing["title"] = figure.title;
  drawing["chart"] = json_of_optional(figure.chart);
  drawing["map"] = json_of_optional(figure.map);
  return drawing;
}

std::string document(std::string_view title, std::string_view body, const Json& drawings) {
  std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += fmt::format("<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n", html_text(title),
                      kStyle);
  page.append(body);
  page.append("<script type=\"application/json\" id=\"drawings\">").append(script_data(drawings));
  page.append("</script>\n<script>\n/*\n").append(kLibraryLicence).append("*/\n");
  page.append(kLibrary).append("\n</script>\n<script>\n").append(kScript);
  page.append("</script>\n</body>\n</html>\n");
  return page;
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text, kMostHtmlChars)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string html_of(std::span<const Page> pages) {
  std::string body;
  Json drawings = Json::object();
  for (std::size_t i = 0; i < pages.size(); ++i) {
    body += "<article>\n" + head_of(pages[i]);
    for (const Figure& figure : pages[i].figures) {
      const std::string id = fmt::format("r{}-{}", i, figure.id);
      body += section_of(figure, id);
      if (is_drawn(figure)) drawings[id] = drawing_of(figure);
    }
    body += "</article>\n";
  }
  return document(pages.size() == 1 ? pages.front().title : "sweetspot", body, drawings);
}

std::string html_to_draw(const Page& page, const Figure& figure) {
  Json drawings = Json::object();
  drawings[figure.id] = drawing_of(figure);
  const std::string body = fmt::format(
      "<article>\n<h2>{}</h2>\n<figure class=\"chart\" data-figure=\"{}\"></figure>\n"
      "</article>\n<pre id=\"{}\"></pre>\n",
      html_text(page.title), figure.id, kPictureId);
  return document(page.title, body, drawings);
}

}  // namespace sweetspot::page
