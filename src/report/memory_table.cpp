// Predicted against allocated against what the driver saw.
#include <fmt/format.h>

#include <algorithm>

#include "core/memory_map.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_report.hpp"

namespace sweetspot::report {
namespace {

std::string allocated_cell(const Trial& trial) {
  return trial.memory.empty() ? std::string(kAbsent) : format_bytes(offloaded_bytes(trial.memory));
}

// llama.cpp's answer before loading holds to the byte; where it does not, the reader must see it.
std::string remark(const Trial& trial) {
  if (trial.memory.empty() || !trial.predicted) return {};
  const std::uint64_t predicted = offloaded_bytes(*trial.predicted);
  const std::uint64_t allocated = offloaded_bytes(trial.memory);
  if (predicted == allocated) return "exact";
  const bool more = allocated > predicted;
  return fmt::format("{} {} than predicted",
                     format_bytes(more ? allocated - predicted : predicted - allocated),
                     more ? "more" : "less");
}

Row row_of(const Trial& trial) {
  return {{layers_text(trial),
           or_dash(trial.predicted,
                   [](const MemoryMap& map) { return format_bytes(offloaded_bytes(map)); }),
           allocated_cell(trial), or_dash(trial.driver_rise_bytes, format_bytes), remark(trial)},
          trial.failure ? Emphasis::failure : Emphasis::none,
          {}};
}

}  // namespace

std::string memory_table(const Run& run, const Style& style) {
  const bool any = std::any_of(run.results.begin(), run.results.end(), [](const Trial& trial) {
    return trial.predicted.has_value() && offloaded_bytes(*trial.predicted) > 0;
  });
  if (!any) return {};
  Table table;
  table.columns = {{"layers"},
                   {"predicted", Align::right},
                   {"allocated", Align::right},
                   {"driver saw", Align::right, 1},
                   {"", Align::left}};
  for (const Trial& trial : run.results) table.rows.push_back(row_of(trial));
  return "Device memory\n" + render(table, style);
}

}  // namespace sweetspot::report
