#include "page/markdown.hpp"

#include <fmt/format.h>

#include <string_view>

#include "core/text.hpp"

namespace sweetspot::page {
namespace {

constexpr std::size_t kMostMarkdownChars = 2000;

std::string plain(std::string_view text) {
  std::string out;
  for (const char c : printable(text, kMostMarkdownChars)) {
    if (std::string_view("\\`*_{}[]<>#|~@&!").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// Backticks in what is quoted end the quote: as many more as it has stand around it.
std::string code_block(std::string_view text) {
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(std::max<std::size_t>(3, longest + 1), '`');
  return fmt::format("{}\n{}\n{}\n", fence, text, fence);
}

std::string row_of(const std::vector<std::string>& cells, std::size_t columns) {
  std::string line = "|";
  for (std::size_t i = 0; i < columns; ++i) {
    line += ' ';
    line += i < cells.size() ? plain(cells[i]) : std::string();
    line += " |";
  }
  return line + "\n";
}

std::string markdown_table(const DataTable& table) {
  std::string text = row_of(table.columns, table.columns.size());
  text += "|";
  for (std::size_t i = 0; i < table.columns.size(); ++i) text += " --- |";
  text += "\n";
  for (const auto& row : table.rows) text += row_of(row, table.columns.size());
  return text;
}

}  // namespace

std::string markdown_of(std::span<const Page> pages) {
  std::string text;
  for (const Page& page : pages) {
    text += fmt::format("## {}\n\n{}\n", plain(page.title), plain(page.answer));
    if (!page.command.empty()) text += "\n" + code_block(page.command);
    for (const std::string& remark : page.remarks) text += fmt::format("\n- {}", plain(remark));
    if (!page.remarks.empty()) text += "\n";
    for (const Figure& figure : page.figures) {
      text += fmt::format("\n### {}\n\n", plain(figure.title)) + markdown_table(figure.table);
    }
    text += "\n";
  }
  return text;
}

}  // namespace sweetspot::page
