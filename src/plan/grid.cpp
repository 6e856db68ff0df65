#include "plan/grid.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>
#include <utility>

#include "plan/pattern.hpp"

namespace sweetspot::plan {
namespace {

/// Places that nothing is reconstructed from, asked only to see whether the rest holds: two, and
/// one more for each 32 layer counts.
constexpr std::size_t kConfirmations = 2;
constexpr std::size_t kCountsForAnother = 32;

struct Cell {
  std::size_t column = 0;  ///< types * contexts + context
  std::size_t layers = 0;
};

/// A grid on its way: which of its cells are known.
class Filling {
 public:
  Filling(const GridAxes& axes, const MapSource& source)
      : source_(source),
        counts_(axes.layers.size()),
        columns_(axes.n_ctx.size() * axes.cache_types.size()) {
    grid_.axes = axes;
    grid_.cells.resize(columns_ * counts_);
    asked_.assign(columns_, std::vector<bool>(counts_, false));
  }

  [[nodiscard]] std::size_t counts() const { return counts_; }
  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] const std::vector<bool>& asked(std::size_t column) const { return asked_[column]; }
  [[nodiscard]] Column cells(std::size_t column) const {
    return Column(grid_.cells).subspan(column * counts_, counts_);
  }
  Grid take() && { return std::move(grid_); }

  /// One call of the source, the cells of a placement side by side.
  Status ask(std::vector<Cell> cells) {
    if (cells.empty()) return {};
    std::sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) {
      return std::tie(a.layers, a.column) < std::tie(b.layers, b.column);
    });
    std::vector<Config> configs;
    configs.reserve(cells.size());
    const std::size_t contexts = grid_.axes.n_ctx.size();
    for (const Cell& cell : cells) {
      configs.push_back(
          config_at(grid_.axes, cell.column / contexts, cell.column % contexts, cell.layers));
    }
    auto answers = source_(configs);
    if (!answers) return tl::unexpected(answers.error());
    if (answers->size() != cells.size()) {
      return error(ErrorKind::internal, fmt::format("{} memory maps came back for {} configs",
                                                    answers->size(), cells.size()));
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      grid_.cells[cells[i].column * counts_ + cells[i].layers] = std::move((*answers)[i]);
      asked_[cells[i].column][cells[i].layers] = true;
    }
    grid_.asked += cells.size();
    return {};
  }

  /// Puts the cells of a column that was not asked in full.
  void put(std::size_t column, std::vector<PlannedMemory> cells) {
    std::move(cells.begin(), cells.end(),
              grid_.cells.begin() + static_cast<std::ptrdiff_t>(column * counts_));
  }

 private:
  const MapSource& source_;
  std::size_t counts_;
  std::size_t columns_;
  Grid grid_;
  std::vector<std::vector<bool>> asked_;
};

/// The columns asked in full: first cache types, smallest and largest context.
std::vector<std::size_t> anchors(const GridAxes& axes) {
  if (axes.n_ctx.size() == 1) return {0};
  return {0, axes.n_ctx.size() - 1};
}

/// Members number*count .. of the golden ratio's sequence: spread evenly in every column, at other
/// places in each, and never at regular fractions, where a model's own regularity could hide.
void add_confirmations(std::vector<bool>& chosen, std::size_t number) {
  constexpr double kGoldenRatio = 0.6180339887498949;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!chosen[i]) open.push_back(i);
  }
  const std::size_t count = kConfirmations + chosen.size() / kCountsForAnother;
  for (std::size_t i = 0; i < count && !open.empty(); ++i) {
    const double member = kGoldenRatio * static_cast<double>(number * count + i + 1);
    const double place = (member - std::floor(member)) * static_cast<double>(open.size());
    const auto at = std::min(static_cast<std::size_t>(place), open.size() - 1);
    chosen[open[at]] = true;
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

std::vector<Cell> cells_to_tell_from(const Filling& filling, const Pattern& pattern) {
  std::vector<bool> telling(filling.counts(), false);
  for (const std::size_t place : telling_places(pattern)) telling[place] = true;
  std::vector<Cell> cells;
  for (std::size_t column = 0; column < filling.columns(); ++column) {
    if (filling.asked(column).front()) continue;  // in full already
    std::vector<bool> chosen = telling;
    add_confirmations(chosen, column);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (chosen[i]) cells.push_back({column, i});
    }
  }
  return cells;
}

bool is_asked_in_full(const std::vector<bool>& asked) {
  return std::find(asked.begin(), asked.end(), false) == asked.end();
}

/// Fills the columns that their asked cells confirm; returns the cells still to ask.
std::vector<Cell> fill(Filling& filling, const Pattern& pattern) {
  std::vector<Cell> open;
  for (std::size_t column = 0; column < filling.columns(); ++column) {
    const std::vector<bool>& asked = filling.asked(column);
    if (is_asked_in_full(asked)) continue;
    auto cells = reconstruct(pattern, filling.cells(0), filling.cells(column), asked);
    if (cells) {
      filling.put(column, std::move(*cells));
      continue;
    }
    for (std::size_t i = 0; i < asked.size(); ++i) {
      if (!asked[i]) open.push_back({column, i});
    }
  }
  return open;
}

std::vector<Cell> all_not_asked(const Filling& filling) {
  std::vector<Cell> cells;
  for (std::size_t column = 0; column < filling.columns(); ++column) {
    for (std::size_t i = 0; i < filling.counts(); ++i) {
      if (!filling.asked(column)[i]) cells.push_back({column, i});
    }
  }
  return cells;
}

}  // namespace

Config config_at(const GridAxes& axes, std::size_t types, std::size_t context, std::size_t layers) {
  Config config = axes.base;
  config.placement.n_gpu_layers = axes.layers[layers];
  config.context.n_ctx = axes.n_ctx[context];
  config.context.type_k = axes.cache_types[types].k;
  config.context.type_v = axes.cache_types[types].v;
  return config;
}

Result<Grid> fill_grid(const GridAxes& axes, const MapSource& source) {
  Filling filling(axes, source);
  if (filling.columns() == 0 || filling.counts() == 0) return std::move(filling).take();

  std::vector<Cell> first;
  for (const std::size_t column : anchors(axes)) {
    for (std::size_t i = 0; i < filling.counts(); ++i) first.push_back({column, i});
  }
  if (const Status status = filling.ask(first); !status) return tl::unexpected(status.error());

  std::vector<Column> columns;
  for (const std::size_t column : anchors(axes)) columns.push_back(filling.cells(column));
  std::vector<Cell> open;
  if (const auto pattern = read_pattern(columns)) {
    const Status status = filling.ask(cells_to_tell_from(filling, *pattern));
    if (!status) return tl::unexpected(status.error());
    open = fill(filling, *pattern);
  } else {
    open = all_not_asked(filling);
  }
  if (const Status status = filling.ask(open); !status) return tl::unexpected(status.error());
  return std::move(filling).take();
}

}  // namespace sweetspot::plan
