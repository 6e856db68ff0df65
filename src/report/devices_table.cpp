#include "report/devices_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/screen.hpp"
#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

std::string text_or_dash(const std::string& text, std::size_t max_chars = 60) {
  return text.empty() ? kAbsent : printable(text, max_chars);
}

std::string whole(const Reading<double>& reading) {
  return or_dash(reading, [](double value) { return fmt::format("{:.0f}", value); });
}

std::string bytes(const Reading<std::uint64_t>& reading) { return or_dash(reading, format_bytes); }

std::string throttling(const Reading<std::vector<std::string>>& reasons) {
  return or_dash(reasons, [](const std::vector<std::string>& names) {
    return names.empty() ? std::string("no") : printable(fmt::format("{}", fmt::join(names, ", ")));
  });
}

Row inventory_row(const DeviceRow& row) {
  const std::string driver =
      row.status ? or_dash(row.status->driver_version,
                           [](const std::string& version) { return printable(version, 24); })
                 : kAbsent;
  constexpr std::size_t kMaxName = 34;
  return {
      {text_or_dash(row.id), text_or_dash(row.name, kMaxName), text_or_dash(row.backend), driver,
       bytes(row.memory_total_bytes), bytes(row.memory_used_bytes), bytes(row.memory_free_bytes)},
      Emphasis::none,
      {}};
}

Row status_row(const DeviceRow& row) {
  const DeviceStatus status = row.status.value_or({});
  const bool throttled = status.throttle_reasons && !status.throttle_reasons->empty();
  return {{text_or_dash(row.id), whole(status.utilisation_percent), whole(status.temperature_c),
           whole(status.power_w), whole(status.power_limit_w), whole(status.graphics_clock_mhz),
           whole(status.memory_clock_mhz), throttling(status.throttle_reasons)},
          throttled ? Emphasis::failure : Emphasis::none,
          {}};
}

std::string inventory_table(const std::vector<DeviceRow>& rows, const Style& style) {
  Table table;
  table.columns = {{"device"},
                   {"name", Align::left, 3},
                   {"backend", Align::left, 2},
                   {"driver", Align::left, 1},
                   {"total", Align::right},
                   {"used", Align::right},
                   {"free", Align::right}};
  for (const DeviceRow& row : rows) table.rows.push_back(inventory_row(row));
  return render(table, style);
}

std::string status_table(const std::vector<DeviceRow>& rows, const Style& style) {
  Table table;
  table.columns = {{"device"},
                   {"GPU %", Align::right},
                   {degrees_celsius(), Align::right},
                   {"W", Align::right},
                   {"W limit", Align::right, 2},
                   {"MHz", Align::right},
                   {"MHz memory", Align::right, 1},
                   {"throttled", Align::left}};
  for (const DeviceRow& row : rows) {
    if (row.status) table.rows.push_back(status_row(row));
  }
  return table.rows.empty() ? std::string() : "\n" + render(table, style);
}

// One reason for a whole device: it has no driver here, or nothing of it could be read.
std::string reason_of(const DeviceRow& row) {
  if (!row.status) return row.backend == "CPU" ? std::string() : row.status.reason();
  const DeviceStatus& status = *row.status;
  if (!status.memory_total_bytes && !status.temperature_c &&
      status.memory_total_bytes.reason() == status.temperature_c.reason()) {
    return status.temperature_c.reason();
  }
  return {};
}

// "CUDA0 (NVIDIA GeForce RTX 4050), 5.70 of 6.00 GiB free".
std::string in_words(const DeviceRow& row) {
  std::string text = printable(row.id, 30);
  if (!row.name.empty()) text += fmt::format(" ({})", printable(row.name, 60));
  if (row.memory_free_bytes && row.memory_total_bytes) {
    text += fmt::format(", {} of {} free", format_bytes(*row.memory_free_bytes),
                        format_bytes(*row.memory_total_bytes));
  }
  return text;
}

std::string where_layers_go(const std::vector<DeviceRow>& rows) {
  std::vector<std::string> targets;
  bool asked = false;
  for (const DeviceRow& row : rows) {
    asked |= !row.backend.empty();
    if (row.takes_layers) targets.push_back(in_words(row));
  }
  if (!asked) return "llama.cpp was not asked for its devices.";
  if (targets.empty()) return "No GPU that llama.cpp can use: models run on the CPU.";
  return fmt::format("llama.cpp puts layers on {}.", fmt::join(targets, " and "));
}

}  // namespace

std::string devices_screen(const std::vector<DeviceRow>& rows,
                           const std::vector<std::string>& notes, const Style& style) {
  const std::string above = parted({answer_text(where_layers_go(rows), style),
                                    rows.empty() ? std::string() : inventory_table(rows, style)});
  const std::string next =
      two_ends("Measure a model on them: sweetspot profile MODEL.gguf", "More: --details", style);
  std::vector<std::string> doubts;
  doubts.reserve(notes.size());
  for (const std::string& note : notes) doubts.push_back(printable(note, 400) + ".");
  const int room = kScreenLines - lines_in(above) - lines_in(next) - 2;
  return parted({above, doubts_text(doubts, room, style), next});
}

std::string devices_text(const std::vector<DeviceRow>& rows, const std::vector<std::string>& notes,
                         const Style& style) {
  std::string text;
  if (!rows.empty()) text = inventory_table(rows, style) + status_table(rows, style);
  std::string remarks;
  const auto remark = [&](const std::string& line) {
    remarks += paragraph(printable(line, 400), style);
  };
  for (const DeviceRow& row : rows) {
    const std::string reason = reason_of(row);
    if (!reason.empty()) remark(fmt::format("{}: {}", row.id, reason));
  }
  for (const std::string& note : notes) remark(note);
  if (!text.empty() && !remarks.empty()) text += "\n";
  return text + remarks;
}

}  // namespace sweetspot::report
