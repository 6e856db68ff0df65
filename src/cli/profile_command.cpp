// sweetspot profile: measure a model with different layer counts and recommend profiles.

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

#include "cli/command_of.hpp"
#include "cli/environment.hpp"
#include "cli/layer_list.hpp"
#include "cli/measuring_command.hpp"
#include "cli/profile_options.hpp"
#include "cli/sweep_question.hpp"
#include "core/charset.hpp"
#include "profiler/profiler.hpp"
#include "report/layer_chart.hpp"
#include "report/profile_screen.hpp"
#include "report/screen.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kProfileExamples = R"(
Examples:
  sweetspot profile model.gguf            a few minutes, ends when sure
  sweetspot profile model.gguf -c 8192    with the context you will use
  sweetspot profile model.gguf --quick    four layer counts
  sweetspot profile model.gguf --layers 0-32+8 -c 8192 -ctk q8_0 -ctv q8_0 -fa on
  sweetspot profile model.gguf --full --vram-limit 6GiB    as on a 6 GB card
  sweetspot profile model.gguf --rpc 192.168.1.20:50052 -p 2048 -n 256 --json > run.json
)";

Result<SweepChoice> choose_sweep(const ProfileRequest& request, const ProfileOptions& options,
                                 const Environment& environment, int offloadable) {
  switch (request.mode) {
    case SweepMode::full:
      return SweepChoice{"full", full_layers(offloadable)};
    case SweepMode::custom:
      return SweepChoice{"custom", request.layers};
    case SweepMode::unasked:
      // Without a device there is nothing to choose: every count means the CPU.
      if (offloadable > 0 && environment.stdin_is_terminal && environment.stderr_is_terminal &&
          !options.measuring.json) {
        return ask_for_sweep(environment, offloadable);
      }
      [[fallthrough]];
    case SweepMode::adaptive:
      break;
    case SweepMode::quick:
      return SweepChoice{"quick", quick_layers(offloadable)};
  }
  return SweepChoice{"adaptive"};
}

std::string text_of(const Run& run, const ProfileOptions& options, const Environment& environment) {
  const report::Style style = stdout_style(environment);
  std::string text = report::profile_screen(
      run, command_of(environment.workplace, run, run.analysis.optimum), kLinesBelow, style);
  if (!options.measuring.details) return text;
  const bool chart = environment.stdout_is_terminal && !text_is_ascii() && !options.no_chart;
  return report::parted({std::move(text), report::results_table(run, style, sort_of(options)),
                         chart ? report::layer_chart(run, style) : std::string(),
                         report::curve_text(run, style), report::failures_text(run, style),
                         report::memory_table(run, style), report::analysis_text(run, style),
                         report::profiles_text(run, style)});
}

Result<int> profile(const ProfileOptions& options, const Environment& environment) {
  Result<ProfileRequest> request = make_profile(options, environment);
  if (!request) return tl::unexpected(request.error());
  MeasuringCommand command;
  command.measure = [&](profiler::Profiler& profiler,
                        const profiler::Observer& observer) -> Result<profiler::RunOutcome> {
    const Result<SweepChoice> sweep =
        choose_sweep(*request, options, environment, profiler.offloadable_layers());
    if (!sweep) return tl::unexpected(sweep.error());
    if (sweep->mode == "adaptive") return profiler.run_adaptively(observer);
    return profiler.run(sweep->requested_layers, sweep->mode, observer);
  };
  command.text = [&](const Run& run) { return text_of(run, options, environment); };
  return run_measuring(std::move(request->request), options.measuring, environment, command);
}

}  // namespace

void add_profile(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ProfileOptions>();
  app.footer(kProfileExamples);
  add_profile_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = profile(*options, environment); });
}

}  // namespace sweetspot::cli
