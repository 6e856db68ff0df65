#include "report/plan_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "core/server_memory.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/plan_words.hpp"

namespace sweetspot::report {
namespace {

using plan::Change;
using plan::ClassFit;
using plan::DeviceBudget;
using plan::DriverShare;
using plan::Plan;
using plan::PlanRecord;

constexpr int kRowsShown = 12;
constexpr const char* kBehindNumber = "  ";  // as wide as " *", so that the digits stay in line

std::string share_text(const DriverShare& share) {
  if (share.low_bytes == share.high_bytes) {
    return fmt::format("{} ({})", format_bytes(share.high_bytes), share.source);
  }
  return fmt::format("{} to {} ({})", format_bytes(share.low_bytes), format_bytes(share.high_bytes),
                     share.source);
}

std::string budget_line(const DeviceBudget& budget, const std::string& description) {
  return fmt::format("{}  {}: budget {} ({}); driver's share {}", printable(budget.id), description,
                     format_bytes(budget.budget_bytes), printable(budget.limited_by),
                     share_text(budget.share));
}

std::string host_line(const plan::HostBudget& host) {
  if (!host.available_bytes)
    return fmt::format("host  {}", with_reason(host.available_bytes.reason()));
  return fmt::format("host  {} ({})", format_bytes(*host.available_bytes), printable(host.source));
}

/// Not every count of a deep model: evenly spread ones, the ends, and those that are an answer.
std::vector<int> rows_of(const Plan& plan) {
  std::set<int, std::greater<>> rows = {0, plan.offloadable,
                                        plan.request.base.placement.n_gpu_layers};
  const int step = std::max(1, (plan.offloadable + kRowsShown - 1) / kRowsShown);
  for (int layers = plan.offloadable; layers > 0; layers -= step) rows.insert(layers);
  for (const auto& largest : plan.largest_layers) {
    if (largest) rows.insert(*largest);
  }
  return {rows.begin(), rows.end()};
}

std::string cell_text(const Plan& plan, std::size_t types, std::size_t context, int layers) {
  const PlannedMemory& cell = plan.cell(types, context, layers);
  const bool refused = !cell.problem.empty();
  std::string text = refused ? kAbsent : gib(offloaded_bytes(cell.memory));
  if (plan.fits.empty()) return text;
  const std::size_t index = static_cast<std::size_t>(&cell - plan.grid.cells.data());
  return text + (plan.fits[index].fits ? " *" : kBehindNumber);
}

/// The largest layers that fit each context.
Row fits_row(const Plan& plan, std::size_t types) {
  Row row;
  row.cells.emplace_back("fits");
  const std::size_t columns = plan.grid.axes.n_ctx.size();
  for (std::size_t c = 0; c < columns; ++c) {
    const auto& largest = plan.largest_layers[types * columns + c];
    row.cells.push_back((largest ? fmt::format("{}", *largest) : "none") + kBehindNumber);
  }
  row.emphasis = Emphasis::winner;
  return row;
}

std::string table_of(const Plan& plan, std::size_t types, const Style& style) {
  Table table;
  table.columns.push_back({"layers", Align::right});
  for (const std::uint32_t n_ctx : plan.grid.axes.n_ctx) {
    // Where the width is short, long contexts go first.
    table.columns.push_back(
        {fmt::format("{}{}", n_ctx, plan.fits.empty() ? "" : kBehindNumber), Align::right, 1});
  }
  for (const int layers : rows_of(plan)) {
    Row row;
    row.cells.push_back(fmt::format("{}", layers));
    for (std::size_t c = 0; c < plan.grid.axes.n_ctx.size(); ++c) {
      row.cells.push_back(cell_text(plan, types, c, layers));
    }
    table.rows.push_back(std::move(row));
  }
  if (!plan.largest_layers.empty()) table.rows.push_back(fits_row(plan, types));
  return render(table, style);
}

std::string changes_table(const std::vector<Change>& changes, const Style& style) {
  Table table;
  table.columns = {{"change"},
                   {"frees", Align::right},
                   {"to host", Align::right, 3},
                   {"CPU reads/token", Align::right, 1},
                   {"costs", Align::left, 2}};
  for (const Change& change : changes) {
    table.rows.push_back({{what_changes(change), format_bytes(change.freed_bytes),
                           format_bytes(change.to_host_bytes),
                           format_bytes(change.host_bytes_per_token), what_it_costs(change.kind)},
                          Emphasis::none,
                          {}});
  }
  return render(table, style);
}

std::string memory_lines(const Plan& plan, const Style& style) {
  Table table;
  table.columns = {{"where"},
                   {"weights", Align::right},
                   {"cache", Align::right},
                   {"compute", Align::right},
                   {"together", Align::right}};
  for (const DeviceMemory& device : plan.wanted.memory) {
    const bool host = device.id == kHostDeviceId;
    Row row;
    row.cells = {host ? "host" : printable(device.id), format_bytes(device.model_bytes),
                 format_bytes(device.context_bytes), format_bytes(device.compute_bytes),
                 format_bytes(device.total_bytes())};
    if (host && device.mapped_bytes > 0) {
      row.tail = fmt::format("{} of it shared file cache", format_bytes(device.mapped_bytes));
    }
    table.rows.push_back(std::move(row));
  }
  return render(table, style);
}

std::string fit_text(const Plan& plan) {
  if (!plan.fit) return {};
  const plan::Fit& fit = *plan.fit;
  if (fit.fits) return ": it fits";
  std::string text = ": it does not fit;";
  for (const plan::DeviceFit& device : fit.devices) {
    if (device.missing_bytes == 0) continue;
    text += fmt::format(" {} lacks {}", printable(device.id), format_bytes(device.missing_bytes));
  }
  if (fit.host_missing_bytes > 0) {
    text += fmt::format(" the host lacks {}", format_bytes(fit.host_missing_bytes));
  }
  return text;
}

/// What is left where a device has no room at all.
std::string cpu_alone_text(const Plan& plan, const Style& style) {
  if (plan.fit->fits || !plan.cpu_alone_fit || !plan.cpu_alone.problem.empty()) return {};
  const DeviceMemory* host = find_device(plan.cpu_alone.memory, kHostDeviceId);
  const std::uint64_t missing = plan.cpu_alone_fit->host_missing_bytes;
  return paragraph(
      fmt::format(
          "On the CPU alone (--device none) it takes {} of RAM, {} of it shared file cache: "
          "{}",
          format_bytes(host != nullptr ? host->total_bytes() : 0),
          format_bytes(host != nullptr ? host->mapped_bytes : 0),
          missing == 0 ? std::string("it fits")
                       : fmt::format("the host lacks {}", format_bytes(missing))),
      style);
}

/// Mapped weights need no room of their own, but what has none is read again and again.
std::string reread_text(const Plan& plan, const Style& style) {
  const plan::HostBudget& host = plan.request.budgets->host;
  if (plan.fit->reread_bytes == 0 || !host.available_bytes) return {};
  return paragraph(
      fmt::format(
          "The host has {} and would hold {}: {} of the weights mapped from the file find no "
          "room there and are read from it again for every token, which is slow.",
          format_bytes(*host.available_bytes),
          format_bytes(find_device(plan.wanted.memory, kHostDeviceId)->total_bytes()),
          format_bytes(plan.fit->reread_bytes)),
      style);
}

std::string prompt_cache_text(const ServerSettings& server) {
  if (server.cache_ram_mib == 0) return "no prompts of earlier requests (--cache-ram 0)";
  if (server.cache_ram_mib < 0) {
    return "prompts of earlier requests, without a limit (--cache-ram -1)";
  }
  return fmt::format("prompts of earlier requests, up to {} (--cache-ram {})",
                     format_bytes(prompt_cache_bytes(server)), server.cache_ram_mib);
}

std::string checkpoints_text(const Config& config, const Reading<std::uint64_t>& one) {
  const int count = config.server.n_ctx_checkpoints;
  if (!one) {
    return fmt::format("; context checkpoints of unknown size ({})", printable(one.reason()));
  }
  if (*one == 0) return {};
  return fmt::format("; up to {} context checkpoints{}, {} of {} each (--ctx-checkpoints {})",
                     count, config.context.n_parallel > 1 ? " of each sequence" : "",
                     format_bytes(checkpoints_bytes(config, *one)), format_bytes(*one), count);
}

/// Both grow with use, so a plan without them would hold only for a server that was just started.
std::string server_text(const Plan& plan, const Style& style) {
  const Config& base = plan.request.base;
  if (base.context.host_program != HostProgram::llama_server) return {};
  const Reading<std::uint64_t>& room = plan.server_room_bytes;
  std::string text =
      fmt::format("llama-server keeps in host memory besides: {}{}.",
                  prompt_cache_text(base.server), checkpoints_text(base, plan.checkpoint_bytes));
  if (!room) return paragraph(text, style);
  const ServerSettings fits = settings_within(base, plan.checkpoint_bytes.value_or(0), *room);
  const bool too_much = fits != base.server;
  const bool lowered = base.server != ServerSettings{};
  if (too_much || lowered)
    text += fmt::format(" The host has {} left for that", format_bytes(*room));
  if (too_much) {
    text += fmt::format(": --cache-ram {} --ctx-checkpoints {} fit", fits.cache_ram_mib,
                        fits.n_ctx_checkpoints);
  }
  if (too_much || lowered) text += '.';
  return paragraph(text, style);
}

/// llama.cpp gives every sequence a multiple of 256 tokens: of many, that can be far more.
std::string rounding_text(const Plan& plan) {
  if (plan.wanted.n_ctx == plan.request.base.context.n_ctx) return {};
  return fmt::format(" (llama.cpp makes it {})", plan.wanted.n_ctx);
}

std::string layers_or_none(int layers) {
  return layers < 0 ? std::string("none") : fmt::format("{}", layers);
}

/// From this card on, every larger one takes the same.
std::size_t first_of_the_last_equals(const std::vector<ClassFit>& classes) {
  const auto alike = [](const ClassFit& a, const ClassFit& b) {
    return a.fast_layers == b.fast_layers && a.balanced_layers == b.balanced_layers &&
           a.performance_layers == b.performance_layers && a.all_layers_n_ctx == b.all_layers_n_ctx;
  };
  std::size_t first = classes.empty() ? 0 : classes.size() - 1;
  while (first > 0 && alike(classes[first - 1], classes[first])) --first;
  return first;
}

}  // namespace

std::string plan_header_text(const PlanRecord& record, const Style& style) {
  const ModelInfo& model = record.model;
  std::string text =
      paragraph(fmt::format("{}  {}, {}, {} of weights, {} blocks + output = {} layers",
                            printable(model.name.value_or(model.path)),
                            printable(model.architecture), printable(model.quantization),
                            format_bytes(model.size_bytes), model.n_layer, record.plan.offloadable),
                style);
  if (const auto& budgets = record.plan.request.budgets) {
    for (std::size_t i = 0; i < budgets->devices.size(); ++i) {
      const std::string description = printable(record.targets[i].device.description, 60);
      text += paragraph(budget_line(budgets->devices[i], description), style);
    }
    text += paragraph(host_line(budgets->host), style);
  }
  for (const std::string& notice : record.notices) text += paragraph(notice, style);
  return text;
}

std::string plan_tables(const PlanRecord& record, const Style& style) {
  const Plan& plan = record.plan;
  std::string text;
  for (std::size_t t = 0; t < plan.grid.axes.cache_types.size(); ++t) {
    text += "\n" + paragraph(fmt::format(
                                 "GiB on the device{} by layers and context, {} cache{}",
                                 record.targets.size() > 1 ? "s" : "",
                                 types_text(plan.grid.axes.cache_types[t]),
                                 plan.fits.empty() ? "" : " (* fits, the driver's share included)"),
                             style);
    text += table_of(plan, t, style);
  }
  return text;
}

std::string plan_answers_text(const PlanRecord& record, const Style& style) {
  const Plan& plan = record.plan;
  const Config& base = plan.request.base;
  std::string text =
      "\n" + paragraph(fmt::format("{} of {}, context {}{}{}",
                                   layer_count(base.placement.n_gpu_layers), plan.offloadable,
                                   base.context.n_ctx, rounding_text(plan), fit_text(plan)),
                       style);
  text += memory_lines(plan, style);
  if (!plan.fit) return text;
  text += cpu_alone_text(plan, style);
  text += reread_text(plan, style) + server_text(plan, style);
  text += paragraph(
      plan.largest_context
          ? fmt::format("Largest context with these layers: {} tokens", *plan.largest_context)
          : std::string("No context fits with these layers"),
      style);
  if (plan.fit->fits) return text;
  if (plan.changes.empty()) return text + "No single change makes it fit\n";
  return text + "\nWhat makes it fit, cheapest first\n" + changes_table(plan.changes, style);
}

std::string plan_classes_table(const PlanRecord& record, const Style& style) {
  const Plan& plan = record.plan;
  // Where the sizes of several cards were given, other sizes are not shown.
  if (record.stand_in && record.targets.size() > 1) return {};
  const auto& bands = plan.request.bands_percent;
  Table table;
  table.columns = {{"card", Align::right},
                   {"fast", Align::right},
                   {"balanced", Align::right},
                   {"performance", Align::right},
                   {"all layers fit up to", Align::right, 1}};
  const std::size_t shown = first_of_the_last_equals(plan.classes);
  for (std::size_t i = 0; i < plan.classes.size() && i <= shown; ++i) {
    const ClassFit& each = plan.classes[i];
    const bool and_larger = i == shown && i + 1 < plan.classes.size();
    table.rows.push_back(
        {{fmt::format("{} GiB{}", each.class_gib, and_larger ? "+" : " "),
          layers_or_none(each.fast_layers), layers_or_none(each.balanced_layers),
          layers_or_none(each.performance_layers),
          each.all_layers_n_ctx > 0 ? fmt::format("{} tokens", each.all_layers_n_ctx)
                                    : std::string(kAbsent)},
         Emphasis::none,
         {}});
  }
  return "\n" +
         paragraph(fmt::format("Layers by card, context {} (under {:g}, {:g} and {:g} % of it)",
                               plan.request.base.context.n_ctx, bands[0], bands[1], bands[2]),
                   style) +
         render(table, style);
}

}  // namespace sweetspot::report
