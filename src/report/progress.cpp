#include "report/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/text.hpp"
#include "report/numbers.hpp"

namespace sweetspot::report {
namespace {

constexpr int kBarWidth = 20;

std::string_view phase_in_words(Phase phase) {
  switch (phase) {
    case Phase::rpc_connect:
      return "connecting";
    case Phase::plan:
      return "planning";
    case Phase::load:
      return "loading";
    case Phase::context:
      return "making the context";
    case Phase::warm_up:
      return "warming up";
    case Phase::prompt:
      return "measuring the prompt";
    case Phase::generation:
      return "measuring generation";
    case Phase::full_depth:
      return "filling the context";
    case Phase::unload:
      return "unloading";
    default:
      return to_string(phase);
  }
}

// Whole seconds: on a line that is redrawn all the time, tenths only flicker.
std::string left_in_words(double seconds) {
  const auto whole = static_cast<long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s left", whole);
  return fmt::format("{} min {:02} s left", whole / 60, whole % 60);
}

std::string bar(double share) {
  const int full = static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * kBarWidth));
  return fmt::format("[{}{}]", std::string(static_cast<std::size_t>(full), '#'),
                     std::string(static_cast<std::size_t>(kBarWidth - full), '.'));
}

std::size_t trial_number(const ProgressState& state) {
  if (state.trials_total == 0) return state.trials_done + 1;
  return std::min(state.trials_done + 1, state.trials_total);
}

std::string head_of(const ProgressState& state) {
  if (state.trials_total == 0) return fmt::format("trial {}", trial_number(state));
  return fmt::format("trial {}/{}", trial_number(state), state.trials_total);
}

std::string title_of(const ProgressState& state) {
  return state.title.empty() ? layer_count(state.layers) : state.title;
}

}  // namespace

std::optional<double> seconds_left(const ProgressState& state) {
  if (state.trials_total == 0) return std::nullopt;
  if (state.trials_done >= state.trials_total) return 0.0;
  double per_trial = state.expected_trial_seconds;
  if (state.trials_done > 0) {
    const double finished = std::max(state.seconds_elapsed - state.seconds_in_trial, 0.0);
    per_trial = finished / static_cast<double>(state.trials_done);
  }
  if (!(per_trial > 0) || !std::isfinite(per_trial)) return std::nullopt;
  const auto after_this = static_cast<double>(state.trials_total - state.trials_done - 1);
  // A trial that takes longer than the others is about to end, as far as anyone knows.
  return (after_this * per_trial) + std::max(per_trial - state.seconds_in_trial, 0.0);
}

std::string render(const ProgressState& state, const Style& style) {
  const std::optional<double> left = seconds_left(state);
  // The share of time, where time is known: trials differ in length.
  double share = state.trials_total == 0 ? 0
                                         : static_cast<double>(state.trials_done) /
                                               static_cast<double>(state.trials_total);
  if (left && state.seconds_elapsed + *left > 0) {
    share = state.seconds_elapsed / (state.seconds_elapsed + *left);
  }
  std::string text = fmt::format("{} {}", head_of(state), title_of(state));
  if (state.phase) text += fmt::format(", {}", phase_in_words(*state.phase));
  if (state.phase && state.fraction >= 0) {
    text += fmt::format(" {:.0f} %", std::min(state.fraction, 1.0) * 100);
  }
  if (left) text += ", " + left_in_words(*left);
  if (state.trials_total == 0) {
    // Nobody knows how far a search is, so the line says what it is looking for.
    if (!state.reason.empty()) text += fmt::format(" ({})", state.reason);
    return cut_to_width(text, style.width);
  }
  const std::string with_bar = bar(share) + ' ' + text;
  return display_width(with_bar) <= style.width ? with_bar : cut_to_width(text, style.width);
}

std::string trial_line(const Trial& trial, const std::string& title) {
  const std::string what = title.empty() ? placed_in_words(trial) : title;
  if (!trial.measured()) return fmt::format("{}: {}", what, failure_tail(trial));
  std::string line =
      fmt::format("{}: {} tok/s", what, estimate_text(trial.speed()->tokens_per_second));
  if (const auto inputs = trial.inputs_per_second()) {
    line += fmt::format(", {} inputs/s", estimate_text(*inputs));
  } else if (!title.empty() && trial.prompt) {
    line += fmt::format(", prompt {} tok/s", estimate_text(trial.prompt->tokens_per_second));
  }
  if (trial.uncertain()) line += ", too uncertain";
  for (const Disturbance one : trial.disturbances) line += ", " + label_of(trial, one);
  return line;
}

Progress::Progress(Sink sink, bool live, Style style)
    : sink_(std::move(sink)), live_(live), style_(style), line_(sink_) {
  // The last column stays free: a character there makes some terminals wrap.
  style_.width = std::max(style_.width - 1, 1);
}

void Progress::preparing(std::string_view what, double fraction) {
  if (live_) {
    const std::string done = fraction >= 0 ? fmt::format(" {:.0f} %", fraction * 100) : "";
    line_.show(cut_to_width(fmt::format("{}{}", what, done), style_.width));
  } else if (fraction == 0) {
    sink_(fmt::format("{}\n", what));
  }
}

void Progress::trial_started(const ProgressState& state) {
  if (live_) {
    update(state);
  } else {
    const std::string why = state.reason.empty() ? "" : fmt::format(" ({})", state.reason);
    sink_(fmt::format("{}: {}{}\n", head_of(state), title_of(state), why));
  }
}

void Progress::update(const ProgressState& state) {
  if (live_) line_.show(render(state, style_));
}

void Progress::trial_finished(const ProgressState& state, const Trial& trial) {
  if (!live_) sink_(fmt::format("{}: {}\n", head_of(state), trial_line(trial, state.title)));
}

void Progress::line(std::string_view text) {
  std::string below = line_.shown();
  line_.clear();
  sink_(fmt::format("{}\n", text));
  if (!below.empty()) line_.show(std::move(below));
}

void Progress::finish() { line_.clear(); }

}  // namespace sweetspot::report
