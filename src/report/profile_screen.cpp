#include "report/profile_screen.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/no_device.hpp"
#include "core/offload_targets.hpp"
#include "core/text.hpp"
#include "report/numbers.hpp"
#include "report/run_report.hpp"
#include "report/run_words.hpp"
#include "report/screen.hpp"

namespace sweetspot::report {
namespace {

constexpr std::size_t kMostCharsOfAnEmpty = 300;

bool uses_gpu_layers(const Trial& trial) {
  return trial.layers > 0 && !uses_no_device(trial.config.placement);
}

std::vector<DeviceReport> devices_of(const Run& run) {
  return targets_of(run.devices, run.base_config.placement.devices);
}

bool ties_with_cpu(const Run& run) {
  const std::vector<std::size_t>& tied = run.analysis.tied_with_optimum;
  return std::any_of(tied.begin(), tied.end(), [&](std::size_t index) {
    return index < run.results.size() && !uses_gpu_layers(run.results[index]);
  });
}

// ---- the answer

std::string against_cpu(const Run& run) {
  if (ties_with_cpu(run)) return ", no faster than the CPU alone";
  if (!run.analysis.speed_up_over_cpu) return {};
  return fmt::format(", {:.1f} times the CPU alone", *run.analysis.speed_up_over_cpu);
}

std::string together(const Trial& trial) {
  return trial.workload.n_parallel < 2
             ? std::string()
             : fmt::format(" for {} requests together", trial.workload.n_parallel);
}

std::string best_in_words(const Run& run, const Trial& best) {
  const std::string speed = speed_in_words(best) + together(best);
  if (uses_gpu_layers(best)) {
    return fmt::format("Use {}: {}{}", layers_of_all(run, best), speed, against_cpu(run));
  }
  if (devices_of(run).empty()) {
    return fmt::format("No GPU that llama.cpp can use: the CPU alone makes {}", speed);
  }
  return fmt::format("Do not offload: {} makes {}, no number of layers is faster",
                     layers_of_all(run, best), speed);
}

std::string memory_in_words(const Trial& best) {
  std::string text;
  if (!uses_gpu_layers(best)) {
    text = "Uses no GPU memory";
  } else {
    text = or_dash(best.vram_used_bytes, format_bytes) + " of GPU memory";
    if (best.vram_percent) {
      text += fmt::format(" ({} of the card in use)", percent_text(*best.vram_percent));
    }
  }
  if (best.full_depth == FullDepth::verified) {
    text += fmt::format("; full context of {} works", best.config.context.n_ctx);
  }
  return text + ".";
}

std::string why_none(const Run& run) {
  const auto any = [&](bool (Trial::*is_so)() const) {
    return std::any_of(run.results.begin(), run.results.end(),
                       [&](const Trial& trial) { return (trial.*is_so)(); });
  };
  if (!any(&Trial::measured)) return "No answer: nothing could be measured";
  if (!any(&Trial::conclusive)) return "No answer: every speed is too uncertain";
  return fmt::format("No answer: nothing that was measured stays within {:.0f} % of GPU memory",
                     run.settings.bands.performance_percent);
}

std::string profile_answer(const Run& run, const Style& style) {
  const Trial* const best = run.result(run.analysis.optimum);
  if (best == nullptr) return answer_text(why_none(run), style);
  return answer_text(best_in_words(run, *best), style) +
         sentence_text(memory_in_words(*best), style);
}

// ---- the profiles

std::string with_limit(const Profile& profile, const Bands& bands) {
  const auto upto = [&](double percent) {
    return fmt::format("{} (<{:g}%)", profile.name, percent);
  };
  if (profile.name == "fast") return upto(bands.fast_percent);
  if (profile.name == "balanced") return upto(bands.balanced_percent);
  if (profile.name == "performance") return upto(bands.performance_percent);
  return printable(profile.name);
}

std::string good_for(const std::string& name) {
  if (name == "fast") return "other GPU programs";
  if (name == "balanced") return "a desktop beside it";
  if (name == "performance") return "a card of its own";
  if (name == "cpu_fallback") return "no GPU memory free";
  return {};
}

Row row_of(const Run& run, const Profile& profile) {
  const Trial& trial = run.results[*profile.result_index];
  const bool offloads = uses_gpu_layers(trial);
  return {{with_limit(profile, run.settings.bands),
           uses_no_device(trial.config.placement) ? "CPU" : std::to_string(trial.layers),
           offloads ? or_dash(profile.vram_bytes, format_bytes) : kAbsent,
           offloads ? or_dash(profile.vram_percent, percent_text) : std::string(),
           speed_with_interval(trial), good_for(profile.name)},
          profile.result_index == run.analysis.optimum ? Emphasis::winner : Emphasis::none,
          {}};
}

std::string profiles_table(const Run& run, const Style& style) {
  Table table;
  table.rule = false;
  table.columns = {{"profile", Align::left, 0},
                   {"layers", Align::right, 0},
                   {"GPU memory", Align::right, 0},
                   {"", Align::right, 1},
                   {speed_unit(run.workload), Align::right, 0},
                   {"good for", Align::left, 2}};
  // The largest first: it is the one that most people want.
  for (const char* name : {"performance", "balanced", "fast", "cpu_fallback"}) {
    for (const Profile& profile : run.profiles) {
      if (profile.name == name && run.result(profile.result_index) != nullptr) {
        table.rows.push_back(row_of(run, profile));
      }
    }
  }
  return table.rows.empty() ? std::string() : render(table, style);
}

// "No performance or balanced here: the model with all its layers uses less of the card."
std::vector<std::string> missing_profiles(const Run& run) {
  std::vector<std::string> missing;
  std::optional<std::string> same_reason;
  bool all_layers_are_lower = false;
  for (const Profile& profile : run.profiles) {
    if (run.result(profile.result_index) != nullptr) {
      all_layers_are_lower |=
          run.results[*profile.result_index].layers == run.model.offloadable_layers();
      continue;
    }
    missing.push_back(profile.name);
    if (missing.size() == 1) same_reason = profile.reason;
    if (same_reason != profile.reason) same_reason.reset();
  }
  if (missing.empty() || devices_of(run).empty()) return {};
  const std::string names = fmt::format("{}", fmt::join(missing, " or "));
  if (all_layers_are_lower) {
    return {fmt::format("No profile {} here: all layers fit into less of the card.", names)};
  }
  if (same_reason && !same_reason->empty()) {
    return {fmt::format("No profile {}: {}.", names, printable(*same_reason, kMostCharsOfAnEmpty))};
  }
  return {fmt::format("No profile {}; --details says why.", names)};
}

// ---- how sure it is

std::size_t measured_counts(const Run& run) {
  std::vector<int> counts;
  for (const Trial& trial : run.results) {
    if (trial.measured() && !uses_no_device(trial.config.placement)) {
      counts.push_back(trial.layers);
    }
  }
  std::sort(counts.begin(), counts.end());
  return static_cast<std::size_t>(std::unique(counts.begin(), counts.end()) - counts.begin());
}

std::string certainty(const Run& run, std::size_t measured) {
  const auto all = static_cast<std::size_t>(run.model.offloadable_layers()) + 1;
  if (!run.sweep) return measured < all ? "; the others were not asked for" : "";
  for (const Decision& decision : run.sweep->decisions) {
    if (decision.name != "optimum") continue;
    if (measured >= all) return {};
    if (!decision.doubt) return {};
    if (decision.settled) {
      return fmt::format("; {:.0f} % sure that no other is more than {:.0f} % faster",
                         100 * (1 - *decision.doubt), 100 * run.sweep->tolerance);
    }
    return fmt::format(
        "; not settled: another is more than {:.0f} % faster with a probability of "
        "{:.0f} %",
        100 * run.sweep->tolerance, 100 * *decision.doubt);
  }
  return {};
}

std::string profile_basis(const Run& run, const Style& style) {
  if (devices_of(run).empty()) return {};
  const std::size_t measured = measured_counts(run);
  if (measured == 0) return {};
  const std::string time = time_taken(run);
  return sentence_text(fmt::format("Measured {} of {} layer counts{}{}{}.", measured,
                                   run.model.offloadable_layers() + 1, time.empty() ? "" : " ",
                                   time, certainty(run, measured)),
                       style);
}

// What is faster and takes too much of the card.
std::vector<std::string> faster_but_unsafe(const Run& run) {
  const Analysis& analysis = run.analysis;
  const std::vector<std::size_t>& tied = analysis.tied_with_optimum;
  if (!analysis.fastest || *analysis.fastest >= run.results.size() ||
      analysis.fastest == analysis.optimum ||
      std::find(tied.begin(), tied.end(), *analysis.fastest) != tied.end()) {
    return {};
  }
  const Trial& trial = run.results[*analysis.fastest];
  return {
      fmt::format("{} would be faster ({}) but {}.", placed_in_words(trial), speed_in_words(trial),
                  trial.vram_percent && *trial.vram_percent > run.settings.bands.performance_percent
                      ? fmt::format("leave less than {:.0f} % of the card free",
                                    100 - run.settings.bands.performance_percent)
                      : std::string("cannot be recommended"))};
}

std::vector<std::string> profile_doubts(const Run& run) {
  std::vector<std::size_t> shown;
  for (const Profile& profile : run.profiles) {
    if (run.result(profile.result_index) != nullptr) shown.push_back(*profile.result_index);
  }
  std::vector<std::string> doubts = missing_profiles(run);
  std::vector<std::string> notices = notices_of(run);
  // The answer's first line says it.
  if (devices_of(run).empty()) {
    std::erase(notices, kNoDeviceNotice);
  }
  for (const std::vector<std::string>& more :
       {faster_but_unsafe(run), failures_in_words(run, "configurations"), doubts_about(run, shown),
        notices}) {
    doubts.insert(doubts.end(), more.begin(), more.end());
  }
  return doubts;
}

}  // namespace

std::string profile_screen(const Run& run, const std::vector<std::string>& command, int lines_below,
                           const Style& style) {
  const std::string above = parted(
      {profile_answer(run, style), command_text(command, style), profiles_table(run, style)});
  const std::string sure = profile_basis(run, style);
  const int room = kScreenLines - lines_below - lines_in(above) - lines_in(sure) - 1;
  return parted({above, sure + doubts_text(profile_doubts(run), room, style)});
}

}  // namespace sweetspot::report
