#include "report/profile_set_table.hpp"

#include <fmt/format.h>

#include "core/engine_text.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

constexpr std::size_t kMaxModel = 40;

template <typename T, typename Words>
std::string joined(const std::vector<T>& items, std::string_view between, Words&& words) {
  std::string text;
  for (const T& item : items) {
    if (!text.empty()) text += between;
    text += words(item);
  }
  return text;
}

std::string devices_in_words(const ProfileSet& set) {
  if (set.devices.empty()) return "CPU";
  return joined(set.devices, ", ", [](const SetDevice& device) {
    return fmt::format("{} {}", printable(device.id),
                       or_dash(device.memory_total_bytes, format_bytes));
  });
}

std::string needs_cell(const SavedProfile& profile) {
  return or_dash(profile.needs, [](const std::vector<DeviceNeed>& needs) {
    if (needs.empty()) return std::string("none");
    return joined(needs, " + ", [](const DeviceNeed& need) { return format_bytes(need.bytes); });
  });
}

std::string layers_or_cpu(const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "CPU";
  const int layers = profile.config.placement.n_gpu_layers;
  return layers < 0 ? "all" : fmt::format("{}", layers);
}

Row profile_row(const SavedProfile& profile) {
  Row row;
  row.cells = {printable(profile.name),
               layers_or_cpu(profile),
               fmt::format("{}", profile.config.context.n_ctx),
               fmt::format("{}", profile.config.context.n_batch),
               needs_cell(profile),
               or_dash(profile.speed(), estimate_text),
               std::string(to_string(profile.origin))};
  row.tail = printable(profile.recommended_for);
  return row;
}

std::string profiles_table(const ProfileSet& set, const Style& style) {
  Table table;
  table.columns = {{"profile"},
                   {"layers", Align::right},
                   {"context", Align::right},
                   {"batch", Align::right, 2},
                   {"needs", Align::right},
                   {"tok/s", Align::right},
                   {"origin", Align::left, 1},
                   {"for"}};
  table.rows.reserve(set.profiles.size());
  for (const SavedProfile& profile : set.profiles) table.rows.push_back(profile_row(profile));
  return render(table, style);
}

std::string reports_line(const ProfileSet& set) {
  if (set.reports.empty()) return {};
  const LoadReport& last = set.reports.back();
  return fmt::format("{} report{} of applications, the last one {}: {} {}", set.reports.size(),
                     set.reports.size() == 1 ? "" : "s", printable(last.at),
                     printable(last.profile), to_string(last.result));
}

// "256+256 at 1024": tokens of prompt and generated, and those before them.
std::string requests_cell(const ProfileSet& set) {
  if (set.origin != Origin::measured) return kAbsent;
  const Workload& workload = set.workload;
  return fmt::format("{}+{} at {}", workload.n_prompt, workload.n_gen, workload.n_depth);
}

Row set_row(const ListedSet& listed) {
  const ProfileSet& set = *listed.set;
  return {{printable(set.model_name, kMaxModel), fmt::format("{}", set.profiles.size()),
           std::string(to_string(set.origin)), requests_cell(set), printable(set.created_at, 20),
           devices_in_words(set), printable(listed.file, 100)},
          Emphasis::none,
          {}};
}

}  // namespace

std::string profile_sets_table(const std::vector<ListedSet>& sets, const Style& style) {
  Table table;
  table.columns = {{"model"},
                   {"profiles", Align::right, 3},
                   {"origin", Align::left, 2},
                   {"requests", Align::left, 1},
                   {"made", Align::left, 5},
                   {"devices", Align::left, 4},
                   {"file"}};
  std::string faults;
  for (const ListedSet& listed : sets) {
    if (listed.set) {
      table.rows.push_back(set_row(listed));
    } else {
      faults += paragraph(printable(listed.set.error().message, 500), style);
    }
  }
  std::string text = table.rows.empty() ? std::string() : render(table, style);
  if (!text.empty() && !faults.empty()) text += "\n";
  return text + faults;
}

std::string profile_set_text(const ProfileSet& set, const std::vector<HeldLine>& held,
                             const Style& style) {
  std::string text = paragraph(
      fmt::format("{}  ({})", printable(set.model_name), printable(set.model.path, 400)), style);
  text += paragraph(
      fmt::format("{} {} by sweetspot {}, llama.cpp {}, on {}", to_string(set.origin),
                  printable(set.created_at), printable(set.fingerprint.tool),
                  printable(engine_text(set.fingerprint.llama_cpp).build), devices_in_words(set)),
      style);
  if (!set.workload.generates()) {
    text += paragraph(
        fmt::format("speeds of inputs of {} tokens; nothing is generated", set.workload.n_prompt),
        style);
  } else {
    text += paragraph(fmt::format("speeds of {} prompt and {} generated tokens at depth {}{}",
                                  set.workload.n_prompt, set.workload.n_gen, set.workload.n_depth,
                                  side_by_side(set.workload.n_parallel)),
                      style);
  }
  text += "\n" + profiles_table(set, style) + "\n";
  for (const SavedProfile& profile : set.profiles) {
    text += paragraph(
        fmt::format("{}: {}", printable(profile.name), printable(profile.evidence, 400)), style);
  }
  if (const std::string reports = reports_line(set); !reports.empty())
    text += paragraph(reports, style);
  for (const HeldLine& each : held) {
    text += paragraph(fmt::format("{} is avoided for {}: {}", printable(each.profile),
                                  printable(each.loader, 200), printable(each.what, 400)),
                      style);
  }
  if (!held.empty()) {
    text += paragraph("sweetspot profiles forget MODEL [PROFILE] forgets it", style);
  }
  return text;
}

}  // namespace sweetspot::report
