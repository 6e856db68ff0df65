#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

constexpr int kGap = 2;  // spaces between columns

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode: blocks of combining marks, and what East Asian Width calls W or F. Blocks, not single
// characters: enough to keep the columns of real model and device names straight.
constexpr std::array<Range, 8> kNoWidth = {{{0x0300, 0x036F},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05BD},
                                            {0x064B, 0x065F},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 9> kTwoWide = {{{0x1100, 0x115F},
                                            {0x2E80, 0x303E},
                                            {0x3041, 0xA4CF},
                                            {0xAC00, 0xD7A3},
                                            {0xF900, 0xFAFF},
                                            {0xFE30, 0xFE6F},
                                            {0xFF00, 0xFF60},
                                            {0x1F300, 0x1FAFF},
                                            {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool in(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

int width_of(char32_t c) {
  if (in(kNoWidth, c)) return 0;
  return in(kTwoWide, c) ? 2 : 1;
}

struct Character {
  std::size_t bytes = 1;
  int width = 1;
};

// The first character of non-empty text. Lenient: what is not a whole sequence is one byte wide.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (bytes == 1 || text.size() < bytes) return {};
  char32_t c = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U) return {};
    c = (c << 6U) | (next & 0x3FU);
  }
  return {bytes, width_of(c)};
}

std::string spaces(int count) {
  return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
}

std::string pad(const std::string& text, int width, Align align) {
  const std::string fill = spaces(width - display_width(text));
  return align == Align::left ? text + fill : fill + text;
}

const std::string& cell_at(const Row& row, std::size_t column) {
  static const std::string kEmpty;
  return column < row.cells.size() ? row.cells[column] : kEmpty;
}

// The columns that are shown, with their widths.
struct Layout {
  std::vector<std::size_t> columns;
  std::vector<int> widths;

  [[nodiscard]] int total() const {
    int sum = 0;
    for (const int width : widths) sum += width;
    return sum + (kGap * std::max(0, static_cast<int>(widths.size()) - 1));
  }

  void drop(std::size_t position) {
    columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(position));
    widths.erase(widths.begin() + static_cast<std::ptrdiff_t>(position));
  }
};

Layout natural_layout(const Table& table) {
  Layout layout;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    int width = display_width(table.columns[i].title);
    for (const Row& row : table.rows) width = std::max(width, display_width(cell_at(row, i)));
    layout.columns.push_back(i);
    layout.widths.push_back(width);
  }
  return layout;
}

// The position of the column to drop next: highest drop_order, the rightmost of equals.
std::size_t next_to_drop(const Table& table, const Layout& layout) {
  std::size_t worst = 0;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    if (table.columns[layout.columns[i]].drop_order >=
        table.columns[layout.columns[worst]].drop_order) {
      worst = i;
    }
  }
  return worst;
}

Layout fitting_layout(const Table& table, int width) {
  Layout layout = natural_layout(table);
  while (!layout.columns.empty() && layout.total() > width) {
    const std::size_t position = next_to_drop(table, layout);
    if (table.columns[layout.columns[position]].drop_order == 0) break;
    layout.drop(position);
  }
  return layout;
}

void trim_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

std::string row_line(const Table& table, const Layout& layout, const Row& row) {
  std::string line;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const std::size_t column = layout.columns[i];
    if (!row.tail.empty() && column >= row.cells.size()) break;
    if (!line.empty()) line += spaces(kGap);
    line += pad(cell_at(row, column), layout.widths[i], table.columns[column].align);
  }
  if (!row.tail.empty()) line += (line.empty() ? "" : spaces(kGap)) + row.tail;
  trim_right(line);
  return line;
}

Row title_row(const Table& table) {
  Row row;
  for (const Column& column : table.columns) row.cells.push_back(column.title);
  return row;
}

std::string_view escape_of(Emphasis emphasis) {
  switch (emphasis) {
    case Emphasis::winner:
      return "\x1b[1;32m";
    case Emphasis::failure:
      return "\x1b[31m";
    case Emphasis::faint:
      return "\x1b[2m";
    case Emphasis::none:
      break;
  }
  return {};
}

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Character character = first_character(text);
    width += character.width;
    text.remove_prefix(character.bytes);
  }
  return width;
}

std::string cut_to_width(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string kept;
  int used = 0;
  const int room = width - display_width(ellipsis());
  while (!text.empty()) {
    const Character character = first_character(text);
    if (used + character.width > room) break;
    kept += text.substr(0, character.bytes);
    used += character.width;
    text.remove_prefix(character.bytes);
  }
  return room >= 0 ? kept + ellipsis() : std::string();
}

std::string wrap(std::string_view text, int width, int indent) {
  const std::size_t lead = std::min(text.find_first_not_of(' '), text.size());
  std::string out(text.substr(0, lead));
  text.remove_prefix(lead);
  int used = static_cast<int>(lead);
  bool fresh = true;  // no word on this line yet
  while (true) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    const int word_width = display_width(word);
    if (!fresh && used + 1 + word_width > width) {
      out += '\n' + spaces(indent);
      used = indent;
    } else if (!fresh) {
      out += ' ';
      ++used;
    }
    out += word;
    used += word_width;
    fresh = false;
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string paragraph(std::string_view text, const Style& style) {
  return wrap(text, style.width, 2) + '\n';
}

std::string labelled(std::string_view label, std::string_view text, const Style& style) {
  constexpr int kLabelWidth = 22;
  const std::string line = fmt::format("  {:<{}}{}", label, kLabelWidth - 2, text);
  return wrap(line, style.width, kLabelWidth) + '\n';
}

std::string paint(std::string_view text, Emphasis emphasis, const Style& style) {
  if (!style.color || emphasis == Emphasis::none) return std::string(text);
  std::string painted(escape_of(emphasis));
  painted += text;
  painted += "\x1b[0m";
  return painted;
}

std::string render(const Table& table, const Style& style) {
  const Layout layout = fitting_layout(table, style.width);
  std::string rule;
  for (const int width : layout.widths) {
    if (!rule.empty()) rule += spaces(kGap);
    rule += std::string(static_cast<std::size_t>(width), '-');
  }
  std::string out;
  const auto add = [&](const std::string& line, Emphasis emphasis) {
    out += paint(cut_to_width(line, style.width), emphasis, style) + '\n';
  };
  add(row_line(table, layout, title_row(table)), table.rule ? Emphasis::none : Emphasis::faint);
  if (table.rule) add(rule, Emphasis::faint);
  for (const Row& row : table.rows) add(row_line(table, layout, row), row.emphasis);
  return out;
}

}  // namespace sweetspot::report
