// What a page consists of, before anybody writes HTML or Markdown of it. Values only; texts are
// as they came, and whoever writes them escapes them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/fields.hpp"

namespace sweetspot::page {

/// A point of a chart, with its 95 % interval where it has one.
struct Mark {
  std::string series;
  double x = 0;
  double y = 0;
  std::optional<double> low;
  std::optional<double> high;
  std::string label;  ///< what is said of it when somebody points at it
};

void fields(auto& f, Is<Mark> auto& mark) {
  f("series", mark.series);
  f("x", mark.x);
  f("y", mark.y);
  f("low", mark.low);
  f("high", mark.high);
  f("label", mark.label);
}

/// A horizontal line that means something, "the card's limit".
struct Rule {
  double y = 0;
  std::string label;
};

void fields(auto& f, Is<Rule> auto& rule) {
  f("y", rule.y);
  f("label", rule.label);
}

/// Values from `low` to `high` that go together, "balanced".
struct Stripe {
  double low = 0;
  double high = 0;
  std::string label;
};

void fields(auto& f, Is<Stripe> auto& stripe) {
  f("low", stripe.low);
  f("high", stripe.high);
  f("label", stripe.label);
}

struct Chart {
  std::string x_title;
  std::string y_title;
  bool whole_x = true;             ///< x counts something: no ticks between numbers
  bool from_zero = true;           ///< the y axis begins at 0
  std::vector<std::string> lines;  ///< series whose points are joined
  std::vector<Mark> marks;
  std::vector<Rule> rules;
  std::vector<Stripe> stripes;
};

void fields(auto& f, Is<Chart> auto& chart) {
  f("x_title", chart.x_title);
  f("y_title", chart.y_title);
  f("whole_x", chart.whole_x);
  f("from_zero", chart.from_zero);
  f("lines", chart.lines);
  f("marks", chart.marks);
  f("rules", chart.rules);
  f("stripes", chart.stripes);
}

inline Chart axes(std::string x_title, std::string y_title) {
  Chart chart;
  chart.x_title = std::move(x_title);
  chart.y_title = std::move(y_title);
  return chart;
}

/// A cell of a heat map.
struct Cell {
  std::string column;
  std::string row;
  std::optional<double> value;  ///< empty where there is none
  bool fits = false;
  std::string label;
};

void fields(auto& f, Is<Cell> auto& cell) {
  f("column", cell.column);
  f("row", cell.row);
  f("value", cell.value);
  f("fits", cell.fits);
  f("label", cell.label);
}

/// Columns and rows stand in the order in which they first appear.
struct HeatMap {
  std::string x_title;
  std::string y_title;
  std::vector<Cell> cells;
};

void fields(auto& f, Is<HeatMap> auto& map) {
  f("x_title", map.x_title);
  f("y_title", map.y_title);
  f("cells", map.cells);
}

/// Rows of text. A column is set right where all that stands in it are numbers.
struct DataTable {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

/// A picture with the table behind it, or a table alone.
struct Figure {
  std::string id;  ///< letters and hyphens, its own within a page
  std::string title;
  std::string caption;  ///< may be empty
  std::optional<Chart> chart;
  std::optional<HeatMap> map;
  DataTable table;
};

/// Whether it is a picture, and no table alone.
inline bool is_drawn(const Figure& figure) { return figure.chart || figure.map; }

/// A run or a plan.
struct Page {
  std::string title;
  std::string answer;                ///< one sentence: what to use
  std::string command;               ///< to paste into a shell; empty where there is none
  std::vector<std::string> remarks;  ///< sentences that a reader should know
  std::vector<Figure> figures;
};

}  // namespace sweetspot::page
