#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/text.hpp"
#include "report/choice_report.hpp"
#include "report/numbers.hpp"
#include "report/screen.hpp"

namespace sweetspot::report {
namespace {

constexpr std::size_t kMostCharsOfAChoice = 400;

const ChoiceRow* chosen_row(const ChoiceView& view) {
  const auto row = std::find_if(view.rows.begin(), view.rows.end(), [](const ChoiceRow& one) {
    return one.state == ChoiceState::chosen;
  });
  return row == view.rows.end() ? nullptr : &*row;
}

// "31 layers", "all layers", "no GPU layers".
std::string saved_layers(const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "the CPU alone";
  const int layers = profile.config.placement.n_gpu_layers;
  return layers < 0 ? std::string("all layers") : layer_count(layers);
}

std::string what_it_rests_on(const ChoiceView& view, const SavedProfile& profile) {
  constexpr std::size_t kDate = 10;  // of "2026-11-23T17:48:02Z"
  const std::string day = printable(view.set->created_at).substr(0, kDate);
  switch (profile.origin) {
    case Origin::measured:
      return fmt::format("measured {}{}", day,
                         view.workload.empty() ? "" : ", " + printable(view.workload));
    case Origin::planned:
      return "speed not measured yet";
    case Origin::defaults:
      break;
  }
  return "a guess: nothing is known of this model";
}

std::string speed_of_profile(const SavedProfile& profile) {
  if (!profile.speed()) return {};
  return fmt::format(
      ", {} tokens/s{}", number_text(profile.speed()->value),
      profile.config.context.n_parallel < 2
          ? std::string()
          : fmt::format(" for {} requests together", profile.config.context.n_parallel));
}

std::string load_this(const ChoiceView& view, const SavedProfile& profile) {
  return fmt::format("Load {}: {}, context {}{} ({})", printable(profile.name, 40),
                     saved_layers(profile), profile.config.context.n_ctx, speed_of_profile(profile),
                     what_it_rests_on(view, profile));
}

std::string sum_of_needs(const SavedProfile& profile) {
  if (!profile.needs) return {};
  std::vector<std::string> parts;
  parts.reserve(profile.needs->size());
  for (const DeviceNeed& need : *profile.needs) parts.push_back(format_bytes(need.bytes));
  return fmt::format("{}", fmt::join(parts, " + "));
}

std::string needs_and_free(const ChoiceView& view, const SavedProfile& profile) {
  if (!profile.needs) return "How much memory it needs is not known.";
  if (profile.needs->empty()) return "Uses no GPU memory.";
  std::string text = "Needs " + sum_of_needs(profile);
  for (const FreeNow& one : view.free) {
    text += fmt::format("; {} has {} free", printable(one.device, 20),
                        one.bytes ? format_bytes(*one.bytes) : "an unknown amount");
  }
  return text + ".";
}

std::string in_brackets(const SavedProfile& profile) {
  if (profile.is_cpu_only()) return "CPU only";
  const std::string needs = sum_of_needs(profile);
  return fmt::format("{} ({}{}{})", printable(profile.name, 40), saved_layers(profile),
                     needs.empty() ? "" : ", ", needs);
}

std::string what_next(const ChoiceView& view, const Style& style) {
  std::vector<std::string> rungs;
  for (const ChoiceRow& row : view.rows) {
    if (row.state == ChoiceState::fits) rungs.push_back(in_brackets(*row.profile));
  }
  if (rungs.empty()) return {};
  return sentence_text(fmt::format("If that fails: {}.", fmt::join(rungs, ", ")), style);
}

std::vector<std::string> doubts_of(const ChoiceView& view) {
  std::vector<std::string> doubts;
  for (const ChoiceRow& row : view.rows) {
    if (row.state != ChoiceState::passed) continue;
    doubts.push_back(
        printable(fmt::format("{} does not fit now: {}.", row.profile->name, row.why_not),
                  kMostCharsOfAChoice));
  }
  if (!view.stale.empty()) {
    const bool measured = view.set->origin == Origin::measured && !view.model.empty();
    doubts.push_back(
        printable(fmt::format("Changed since: {}", fmt::join(view.stale, "; ")),
                  kMostCharsOfAChoice) +
        (measured ? fmt::format(". Does it still hold? sweetspot check {}", view.model) : "."));
  }
  for (const std::string& note : view.notes) {
    doubts.push_back(printable(note + ".", kMostCharsOfAChoice));
  }
  return doubts;
}

std::string choice_answer(const ChoiceView& view, const Style& style) {
  const ChoiceRow* const chosen = chosen_row(view);
  if (chosen == nullptr) {
    return answer_text("No profile fits right now.", style) +
           sentence_text(printable(view.reason + ".", kMostCharsOfAChoice), style);
  }
  return answer_text(load_this(view, *chosen->profile), style) +
         sentence_text(needs_and_free(view, *chosen->profile), style);
}

}  // namespace

std::string choice_screen(const ChoiceView& view, const Style& style) {
  const std::string above = parted(
      {choice_answer(view, style), command_text(view.command, style), what_next(view, style)});
  const bool anything = chosen_row(view) != nullptr;
  const std::string next =
      two_ends(anything ? "Start it: sweetspot launch " + view.model : std::string(),
               "All profiles: --details", style);
  const int room = kScreenLines - lines_in(above) - lines_in(next) - 2;
  return parted({above, doubts_text(doubts_of(view), room, style), next});
}

}  // namespace sweetspot::report
