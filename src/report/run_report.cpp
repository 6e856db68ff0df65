#include "report/run_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_words.hpp"
#include "report/symbols.hpp"

namespace sweetspot::report {
namespace {

constexpr int kIndent = 2;
constexpr std::size_t kStderrLines = 5;

std::string title(std::string_view text, const Style& style) {
  return style.color ? fmt::format("\x1b[1m{}\x1b[0m\n", text) : fmt::format("{}\n", text);
}

std::string joined(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += separator;
    out += item;
  }
  return out;
}

// ---- header

std::string model_line(const ModelInfo& model) {
  std::vector<std::string> parts;
  parts.push_back(or_dash(model.name, [](const std::string& name) { return printable(name); }));
  parts.push_back(printable(model.architecture));
  parts.push_back(printable(model.quantization));
  parts.push_back(format_bytes(model.size_bytes));
  parts.push_back(
      fmt::format("{} blocks + output = {} layers", model.n_layer, model.offloadable_layers()));
  if (model.n_expert > 0) {
    parts.push_back(fmt::format("{} experts, {} used", model.n_expert, model.n_expert_used));
  }
  std::erase(parts, "");
  return joined(parts, ", ");
}

std::string device_line(const DeviceReport& report) {
  const Device& device = report.device;
  std::vector<std::string> parts = {printable(device.id)};
  if (!device.description.empty()) parts.push_back(printable(device.description));
  parts.push_back(or_reason(device.memory_total_bytes, format_bytes));
  if (report.status.has_value() && report.status->driver_version.has_value()) {
    parts.push_back("driver " + printable(report.status->driver_version.value()));
  }
  return joined(parts, ", ");
}

std::string devices_lines(const Run& run, const Style& style) {
  std::string out;
  for (const DeviceReport& report : targets_of(run.devices, run.base_config.placement.devices)) {
    out += labelled(out.empty() ? "Devices" : "", device_line(report), style);
  }
  return out.empty() ? labelled("Devices", "none: everything runs on the CPU", style) : out;
}

std::string engine_line(const Engine& engine) {
  std::string text = "llama.cpp " + printable(engine.build());
  text += ", ggml " + printable(engine.ggml_version);
  std::vector<std::string> backends;
  for (const std::string& backend : engine.backends) backends.push_back(printable(backend));
  if (!backends.empty()) text += ", backends " + joined(backends, " ");
  return text;
}

std::string workload_line(const Run& run) {
  if (!run.workload.generates()) {
    return fmt::format("inputs of {} tokens, nothing is generated; longest input {}",
                       run.workload.n_prompt, run.base_config.context.n_ubatch);
  }
  return fmt::format("{} prompt and {} generated tokens, {} before them{}; context {}, batch {}",
                     run.workload.n_prompt, run.workload.n_gen, run.workload.n_depth,
                     side_by_side(run.workload.n_parallel), run.base_config.context.n_ctx,
                     run.base_config.context.n_batch);
}

// ---- analysis

// "33 layers (#4): 35.2 ±0.3 tok/s, VRAM 4.58 GiB (76 %), throttled"
std::string trial_in_words(const Run& run, std::size_t index) {
  const Trial& trial = run.results[index];
  std::string text = fmt::format("{} (#{}): ", placed_in_words(trial), index);
  text += trial.speed() ? estimate_text(trial.speed()->tokens_per_second) : kAbsent;
  text += " tok/s, GPU memory " + or_dash(trial.vram_used_bytes, format_bytes);
  if (trial.vram_percent.has_value()) text += " (" + percent_text(trial.vram_percent.value()) + ")";
  if (trial.uncertain()) text += ", too uncertain";
  for (const Disturbance one : trial.disturbances) text += ", " + label_of(trial, one);
  return text;
}

std::string ties_in_words(const Run& run) {
  std::vector<std::string> names;
  for (const std::size_t index : run.analysis.tied_with_optimum) {
    if (index == run.analysis.optimum) continue;
    if (const Trial* trial = run.result(index)) names.push_back(placed_in_words(*trial));
  }
  if (names.empty()) return {};
  return fmt::format("no measurable difference to {}", joined(names, ", "));
}

std::string why_no_optimum(const Run& run) {
  const auto& results = run.results;
  const bool measured = std::any_of(results.begin(), results.end(),
                                    [](const Trial& trial) { return trial.measured(); });
  const bool certain = std::any_of(results.begin(), results.end(),
                                   [](const Trial& trial) { return trial.conclusive(); });
  if (measured && !certain) return "every speed is too uncertain to conclude anything";
  return fmt::format("no measured configuration stays within {:.0f} % of GPU memory",
                     run.settings.bands.performance_percent);
}

std::string optimum_lines(const Run& run, const Style& style) {
  const Analysis& analysis = run.analysis;
  std::string out;
  if (run.result(analysis.optimum) == nullptr) {
    out += labelled("Best", fmt::format("{}: {}", kAbsent, why_no_optimum(run)), style);
  } else {
    out += labelled("Best", trial_in_words(run, *analysis.optimum), style);
    if (const std::string ties = ties_in_words(run); !ties.empty())
      out += labelled("", ties, style);
  }
  const std::vector<std::size_t>& tied = analysis.tied_with_optimum;
  const bool said = analysis.fastest == analysis.optimum ||
                    std::find(tied.begin(), tied.end(), analysis.fastest) != tied.end();
  if (!said && run.result(analysis.fastest) != nullptr) {
    out += labelled("Fastest at any cost", trial_in_words(run, *analysis.fastest), style);
  }
  return out;
}

// ---- profiles

Row profile_row(const Profile& profile) {
  if (!profile.result_index) return {{printable(profile.name)}, Emphasis::faint, "none"};
  return {{printable(profile.name), std::to_string(profile.n_gpu_layers),
           std::to_string(profile.n_ctx), std::to_string(profile.n_batch),
           or_dash(profile.vram_bytes, format_bytes), or_dash(profile.vram_percent, percent_number),
           or_dash(profile.speed(), number_text), fmt::format("row #{}", *profile.result_index)},
          Emphasis::none,
          {}};
}

// Who it is for, or why there is none: sentences, so they stand under the table and wrap.
std::string profile_words(const Profile& profile) {
  constexpr std::size_t kMaxChars = 400;
  if (profile.result_index) return "for " + printable(profile.recommended_for, kMaxChars);
  return "none: " +
         (profile.reason.empty() ? "no result fits" : printable(profile.reason, kMaxChars));
}

// ---- failures

std::vector<std::string_view> last_lines(std::string_view text, std::size_t count) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < count) {
    const std::size_t newline = text.rfind('\n');
    const std::string_view line =
        newline == std::string_view::npos ? text : text.substr(newline + 1);
    if (!line.empty()) lines.push_back(line);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(0, newline);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

std::string failure_block(const Trial& trial, std::size_t index, const Style& style) {
  const Failure& failure = *trial.failure;
  std::string head = fmt::format("  #{} {}: {} in phase {}", index, layers_in_words(trial),
                                 to_string(failure.failure_class), to_string(failure.phase));
  if (failure.signal) head += fmt::format(", signal {}", *failure.signal);
  if (!failure.message.empty()) head += ": " + printable(failure.message);
  std::string out = wrap(head, style.width, 2 * kIndent) + '\n';
  for (const std::string_view line : last_lines(failure.stderr_tail, kStderrLines)) {
    // Cut, not wrapped: these lines are for recognising a cause, and the file has them whole.
    out += cut_to_width("    | " + printable(line), style.width) + '\n';
  }
  return out;
}

}  // namespace

std::string header_text(const Run& run, const Style& style) {
  std::string out = labelled("Model", model_line(run.model), style);
  out += labelled("File", printable(run.model.path), style);
  out += devices_lines(run, style);
  out += labelled("Engine", engine_line(run.engine), style);
  out += labelled("Workload", workload_line(run), style);
  for (const std::string& notice : run.notices)
    out += labelled("Note", printable(notice, 400), style);
  return out;
}

std::string analysis_text(const Run& run, const Style& style) {
  const Analysis& analysis = run.analysis;
  std::string out = title("Analysis", style) + optimum_lines(run, style);
  out +=
      labelled("Against the CPU",
               or_reason(analysis.speed_up_over_cpu,
                         [](double factor) { return fmt::format("{:.2f} times as fast", factor); }),
               style);
  out += labelled("Memory per layer",
                  or_reason(analysis.vram_bytes_per_layer,
                            [](double bytes) {
                              return format_bytes(static_cast<std::uint64_t>(std::max(bytes, 0.0)));
                            }),
                  style);
  out += labelled("Diminishing returns",
                  or_reason(analysis.diminishing_after_layers,
                            [](int layers) {
                              return fmt::format("from {} on, another layer gains less than 2 %",
                                                 layer_count(layers));
                            }),
                  style);
  out +=
      labelled("Heat",
               or_reason(analysis.temperature_rise_c,
                         [](double rise) {
                           return fmt::format("{:+.0f} {} over the run", rise, degrees_celsius());
                         }),
               style);
  return out;
}

std::string profiles_text(const Run& run, const Style& style) {
  if (run.profiles.empty()) return {};
  Table table;
  table.columns = {{"profile", Align::left, 0},  {"layers", Align::right, 0},
                   {"context", Align::right, 4}, {"batch", Align::right, 5},
                   {"memory", Align::right, 1},  {"%", Align::right, 2},
                   {"tok/s", Align::right, 0},   {"proof", Align::left, 3}};
  std::string words;
  for (const Profile& profile : run.profiles) {
    table.rows.push_back(profile_row(profile));
    words += labelled(printable(profile.name), profile_words(profile), style);
  }
  return title("Profiles", style) + render(table, style) + words;
}

std::string failures_text(const Run& run, const Style& style) {
  std::string out;
  for (std::size_t i = 0; i < run.results.size(); ++i) {
    if (run.results[i].failure) out += failure_block(run.results[i], i, style);
  }
  return out.empty() ? out : title("Failed", style) + out;
}

}  // namespace sweetspot::report
