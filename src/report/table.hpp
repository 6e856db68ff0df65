// A text table for terminals. Knows nothing of what it shows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::report {

/// How text may look. The command line fills it in; nothing in this room looks at a terminal.
struct Style {
  bool color = false;  ///< ANSI colours; false = not a single escape byte
  int width = 100;     ///< columns that may be used
};

enum class Align { left, right };
enum class Emphasis { none, winner, failure, faint };

struct Column {
  std::string title;
  Align align = Align::left;
  int drop_order = 0;  ///< 0 = never dropped; where the width is short, the highest goes first
};

/// Cells are shown as they are: text from outside goes through printable() before it comes here.
/// Missing cells are empty. `tail` follows the last given cell, runs over the remaining columns and
/// does not widen any; it is cut at the width.
struct Row {
  std::vector<std::string> cells;
  Emphasis emphasis = Emphasis::none;
  std::string tail;
};

struct Table {
  std::vector<Column> columns;
  std::vector<Row> rows;
  bool rule = true;  ///< a line under the titles
};

/// One line per row, titles and rule first, no trailing spaces, each line ended by a newline.
/// Columns are dropped until the lines fit; what then still does not fit is cut, never wrapped.
std::string render(const Table& table, const Style& style);

/// Columns that `text` takes on a terminal: combining marks take none, East Asian wide characters
/// two. Invalid UTF-8 counts one per byte. Escape sequences are not understood.
int display_width(std::string_view text);

/// `text` cut to at most `width` columns, the last one then an ellipsis.
std::string cut_to_width(std::string_view text, int width);

/// `text` broken at spaces into lines of at most `width` columns; every line but the first starts
/// with `indent` spaces. Longer words are left whole. No newline at the end.
std::string wrap(std::string_view text, int width, int indent);

/// A paragraph or a note of its own: `text` as wide as the style allows, the lines that follow the
/// first set in, and a newline.
std::string paragraph(std::string_view text, const Style& style);

/// "  Label                 text": a line of a list, its text wrapped in a column of its own.
std::string labelled(std::string_view label, std::string_view text, const Style& style);

/// `text` between the escape sequences of `emphasis`, or as it is without colour.
std::string paint(std::string_view text, Emphasis emphasis, const Style& style);

}  // namespace sweetspot::report
