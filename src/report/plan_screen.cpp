#include "report/plan_screen.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "core/no_device.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/plan_words.hpp"
#include "report/screen.hpp"

namespace sweetspot::report {
namespace {

using plan::Plan;
using plan::PlanRecord;

constexpr std::size_t kMostCharsOfANotice = 300;

// ---- the answer

// "all 33 layers", "12 of 33 layers", "the CPU alone".
std::string wanted_layers(const Plan& plan) {
  const Placement& placement = plan.request.base.placement;
  if (uses_no_device(placement) || plan.offloadable == 0) return kCpuAloneTitle;
  if (placement.n_gpu_layers == plan.offloadable) {
    return fmt::format("all {} layers", plan.offloadable);
  }
  return fmt::format("{} of {} layers", placement.n_gpu_layers, plan.offloadable);
}

std::string needs_and_has(const plan::DeviceFit& device) {
  return fmt::format("{} needs {} and may use {}", printable(device.id),
                     format_bytes(device.needed_bytes), format_bytes(device.budget_bytes));
}

std::string needs_of_devices(const plan::Fit& fit) {
  std::vector<std::string> needs;
  for (const plan::DeviceFit& device : fit.devices) {
    if (fit.fits || device.missing_bytes > 0) needs.push_back(needs_and_has(device));
  }
  if (fit.host_missing_bytes > 0) {
    needs.push_back(fmt::format("{} of RAM are missing", format_bytes(fit.host_missing_bytes)));
  }
  constexpr std::size_t kMostShown = 4;
  if (needs.size() > kMostShown) needs.resize(kMostShown);
  return fmt::format("{}", fmt::join(needs, "; "));
}

std::string without_budgets(const PlanRecord& record) {
  const Plan& plan = record.plan;
  return fmt::format(
      "No GPU that llama.cpp can use, and no size of a card was given. {} with {} tokens of "
      "context need {} on one; --vram-limit 6GiB says whether that fits.",
      capitalised(wanted_layers(plan)), plan.request.base.context.n_ctx,
      format_bytes(offloaded_bytes(plan.wanted.memory)));
}

std::string plan_answer(const PlanRecord& record, const Style& style) {
  const Plan& plan = record.plan;
  if (!plan.fit) return answer_text(without_budgets(record), style);
  const std::string named = record.model.name.value_or("");
  const std::string name = printable(named.empty() ? record.model.path : named, 60);
  const std::string needs = needs_of_devices(*plan.fit);
  return answer_text(
             fmt::format("{}: {} with {} tokens of context {}.", name, wanted_layers(plan),
                         plan.request.base.context.n_ctx, plan.fit->fits ? "fit" : "do not fit"),
             style) +
         (needs.empty() ? std::string() : sentence_text(capitalised(needs) + ".", style));
}

// ---- what makes it fit

std::string ways_to_fit(const Plan& plan, const Style& style) {
  if (!plan.fit || plan.fit->fits) return {};
  if (plan.changes.empty()) {
    return sentence_text("No single change makes it fit: ask for fewer layers or less context.",
                         style);
  }
  Table table;
  table.rule = false;
  table.columns = {{"To make it fit, cheapest first"}, {"you give up"}};
  for (const plan::Change& change : plan.changes) {
    table.rows.push_back(
        {{"  " + what_changes(change), what_it_costs(change.kind)}, Emphasis::none, {}});
  }
  return render(table, style);
}

std::string command_part(const Plan& plan, const std::vector<std::string>& command,
                         const Style& style) {
  if (command.empty()) return {};
  std::string text = command_text(command, style);
  if (!plan.fit || plan.fit->fits) return text;
  return sentence_text("This fits, with the cheapest change:", style) + text;
}

// ---- the most layers by context

std::string layers_by_context(const Plan& plan, const Style& style) {
  if (plan.largest_layers.empty() || plan.offloadable == 0) return {};
  const auto& axes = plan.grid.axes;
  Table table;
  table.rule = false;
  table.columns.push_back({"Most layers by context"});
  for (const std::uint32_t n_ctx : axes.n_ctx) {
    table.columns.push_back({fmt::format("{}", n_ctx), Align::right, 1});
  }
  for (std::size_t t = 0; t < axes.cache_types.size(); ++t) {
    Row row;
    row.cells.push_back(axes.cache_types.size() == 1
                            ? std::string()
                            : fmt::format("  {} cache", types_text(axes.cache_types[t])));
    for (std::size_t c = 0; c < axes.n_ctx.size(); ++c) {
      const auto& largest = plan.largest_layers[(t * axes.n_ctx.size()) + c];
      row.cells.push_back(largest ? fmt::format("{}", *largest) : "none");
    }
    table.rows.push_back(std::move(row));
  }
  return render(table, style);
}

// ---- doubts

std::vector<std::string> plan_doubts(const PlanRecord& record) {
  std::vector<std::string> doubts;
  if (record.plan.fit && record.plan.fit->reread_bytes > 0) {
    doubts.push_back(fmt::format(
        "{} of the weights find no room in RAM and are read from the file for every token, which "
        "is slow.",
        format_bytes(record.plan.fit->reread_bytes)));
  }
  for (const std::string& notice : record.notices) {
    doubts.push_back(printable(notice, kMostCharsOfANotice));
  }
  return doubts;
}

}  // namespace

std::string plan_screen(const PlanRecord& record, const std::vector<std::string>& command,
                        const Style& style) {
  const Plan& plan = record.plan;
  const std::string above = parted({plan_answer(record, style), command_part(plan, command, style),
                                    ways_to_fit(plan, style), layers_by_context(plan, style)});
  const std::string next = two_ends(command.empty() ? "" : "Flags only: --flags",
                                    "GiB by layers, other cards: --details", style);
  const int room = kScreenLines - lines_in(above) - lines_in(next) - 2;
  return parted({above, doubts_text(plan_doubts(record), room, style), next});
}

}  // namespace sweetspot::report
