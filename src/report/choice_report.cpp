#include "report/choice_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

std::string basis_of(const ProfileSet& set) {
  switch (set.origin) {
    case Origin::measured:
      return fmt::format("measured {} with {} prompt and {} generated tokens, {} before them{}",
                         printable(set.created_at), set.workload.n_prompt, set.workload.n_gen,
                         set.workload.n_depth, side_by_side(set.workload.n_parallel));
    case Origin::planned:
      return fmt::format("planned, not measured ({})", printable(set.created_at));
    case Origin::defaults:
      break;
  }
  return "defaults: nothing is known of this model";
}

std::string header(const ChoiceView& view, const Style& style) {
  const ProfileSet& set = *view.set;
  std::string text = labelled("model", printable(set.model_name), style);
  text += labelled("file", printable(set.model.path, 400), style);
  text += labelled("profiles", basis_of(set), style);
  if (!view.stale.empty()) {
    text +=
        labelled("stale", printable(fmt::format("{}", fmt::join(view.stale, "; ")), 1000), style);
  }
  return text;
}

std::string memory_cell(const SavedProfile& profile) {
  if (!profile.needs) return kAbsent;
  std::vector<std::string> parts;
  parts.reserve(profile.needs->size());
  for (const DeviceNeed& need : *profile.needs) {
    parts.push_back(fmt::format("{} {}", printable(need.device, 20), format_bytes(need.bytes)));
  }
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

std::string state_cell(const ChoiceRow& row) {
  switch (row.state) {
    case ChoiceState::chosen:
      return "load this";
    case ChoiceState::fits:
      return "next, if that fails";
    case ChoiceState::passed:
      return "does not fit now";
    case ChoiceState::not_asked:
      break;
  }
  return {};
}

std::string layers_cell(const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "CPU";
  const Placement& placement = profile.config.placement;
  std::string text = placement.n_gpu_layers < 0 ? "all" : fmt::format("{}", placement.n_gpu_layers);
  if (placement.n_cpu_moe > 0) text += fmt::format(", {} MoE on CPU", placement.n_cpu_moe);
  return text;
}

std::string table_of(const ChoiceView& view, const Style& style) {
  Table table;
  table.columns = {{"profile"},
                   {"layers", Align::right},
                   {"context", Align::right},
                   {"GPU memory", Align::left},
                   {"tok/s", Align::right},
                   {"", Align::left}};
  table.rows.reserve(view.rows.size());
  for (const ChoiceRow& row : view.rows) {
    const SavedProfile& profile = *row.profile;
    const bool chosen = row.state == ChoiceState::chosen;
    table.rows.push_back({{printable(profile.name, 40), layers_cell(profile),
                           fmt::format("{}", profile.config.context.n_ctx), memory_cell(profile),
                           or_dash(profile.speed(), estimate_text), state_cell(row)},
                          chosen                             ? Emphasis::winner
                          : row.state == ChoiceState::passed ? Emphasis::faint
                                                             : Emphasis::none,
                          {}});
  }
  return render(table, style);
}

std::string printable_paragraph(const std::string& text, const Style& style) {
  return paragraph(printable(text, 2000), style);
}

}  // namespace

std::string choice_text(const ChoiceView& view, const Style& style) {
  std::string text = header(view, style) + "\n" + table_of(view, style) + "\n";
  text += printable_paragraph(view.reason + ".", style);
  for (const ChoiceRow& row : view.rows) {
    const std::uint32_t sequences = row.profile->config.context.n_parallel;
    if (sequences < 2 || !row.profile->tokens_per_second) continue;
    text += printable_paragraph(
        fmt::format("{}: tok/s of {} sequences together.", row.profile->name, sequences), style);
  }
  for (const ChoiceRow& row : view.rows) {
    if (row.state != ChoiceState::passed) continue;
    text += printable_paragraph(fmt::format("{}: {}.", row.profile->name, row.why_not), style);
  }
  for (const std::string& note : view.notes) text += printable_paragraph(note + ".", style);
  return text;
}

}  // namespace sweetspot::report
