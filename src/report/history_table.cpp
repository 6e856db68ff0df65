#include "report/history_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

using Member = std::string RunEntry::*;

bool same_in_all(std::span<const RunEntry> entries, Member member) {
  return std::all_of(entries.begin(), entries.end(), [&](const RunEntry& entry) {
    return entry.*member == entries.front().*member;
  });
}

// "2026-11-30 19:18": seconds tell nobody anything.
std::string when(const std::string& iso) {
  constexpr std::size_t kToTheMinute = 16;
  std::string text = printable(iso.substr(0, kToTheMinute));
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

// The command that made it; the other modes are ways to profile.
std::string what(const RunEntry& entry) {
  const bool is_command = entry.mode == "tune" || entry.mode == "check" || entry.mode == "compare";
  return is_command ? entry.mode : "profile";
}

std::string speed(const RunEntry& entry) {
  if (entry.tokens_per_second) return fmt::format("{:.1f}", entry.tokens_per_second->value);
  if (!entry.prompt_tokens_per_second) return "-";
  return fmt::format("{:.1f} read", *entry.prompt_tokens_per_second);
}

std::string layers(const RunEntry& entry) {
  if (!entry.layers) return "-";
  return *entry.layers == 0 ? "CPU" : fmt::format("{}", *entry.layers);
}

}  // namespace

std::string history_table(std::span<const RunEntry> entries, const Style& style) {
  struct Shared {
    Member member;
    const char* title;
    const char* sentence;
    int drop_order;
  };
  constexpr Shared kShared[] = {{&RunEntry::model, "model", "Model", 1},
                                {&RunEntry::machine, "machine", "Machine", 2},
                                {&RunEntry::engine, "llama.cpp", "llama.cpp", 3}};
  Table table;
  table.columns = {{"run"}, {"when (UTC)"}, {"what", Align::left, 4}};
  std::string beneath;
  std::vector<Member> shown;
  for (const Shared& shared : kShared) {
    if (entries.empty() || same_in_all(entries, shared.member)) {
      if (entries.empty()) continue;
      beneath += labelled(shared.sentence, printable(entries.front().*shared.member), style);
    } else {
      table.columns.push_back({shared.title, Align::left, shared.drop_order});
      shown.push_back(shared.member);
    }
  }
  table.columns.push_back({"layers", Align::right});
  table.columns.push_back({"tok/s", Align::right});
  for (const RunEntry& entry : entries) {
    Row row;
    row.cells = {printable(entry.name), when(entry.started_at), what(entry)};
    for (const Member member : shown) row.cells.push_back(printable(entry.*member));
    row.cells.push_back(layers(entry));
    row.cells.push_back(speed(entry));
    if (!entry.complete) {
      row.emphasis = Emphasis::faint;
      row.tail = "not complete";
    }
    table.rows.push_back(std::move(row));
  }
  return render(table, style) + beneath;
}

}  // namespace sweetspot::report
