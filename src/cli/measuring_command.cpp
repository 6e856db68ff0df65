#include "cli/measuring_command.hpp"

#include <string>
#include <utility>

#include "app/measuring.hpp"
#include "cli/environment.hpp"
#include "cli/llama_variables.hpp"
#include "cli/print.hpp"
#include "cli/run_progress.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "report/run_report.hpp"
#include "report/screen.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::size_t kMostChars = 4096;

// What to type now, or why the profiles cannot be used.
std::string next_step(const app::SetKept& kept, const MeasuringOptions& options,
                      const report::Style& style) {
  const std::string more = options.details || options.json
                               ? "Charts: sweetspot report"
                               : "All rows: --details; charts: sweetspot report";
  if (kept.what == app::SetKept::What::kept) {
    return report::two_ends(
        "Start it: sweetspot launch " +
            printable(exporting::line_to_paste({options.model_path}), kMostChars),
        more, style);
  }
  return report::sentence_text(printable(sentence(kept), kMostChars) + ".", style);
}

}  // namespace

Result<int> run_measuring(profiler::Request request, const MeasuringOptions& options,
                          const Environment& environment, const MeasuringCommand& command) {
  note_variables(environment, request.base, options.knobs, /*layers_given=*/true);
  // With --json stdout is the run's alone.
  process::StandardStream* const out = options.json ? environment.err : environment.out;
  const report::Style style = options.json ? stderr_style(environment) : stdout_style(environment);
  RunProgress progress(environment, 2 * options.max_seconds);
  app::MeasuringSteps steps;
  if (options.details) {
    steps.on_prepared = [&](const Run& prepared) {
      say(out, "{}\n", report::header_text(prepared, style));
    };
  }
  steps.measure = [&](profiler::Profiler& profiler) {
    Result<profiler::RunOutcome> outcome =
        command.measure(profiler, [&](const profiler::Event& event) { progress.on_event(event); });
    progress.finish();
    return outcome;
  };
  steps.on_measured = [&](const Run& run) {
    if (options.json) {
      say(environment.out, "{}\n", command.json ? command.json(run) : dump(to_json(run), 2));
    } else {
      say(out, "{}\n", command.text(run));
    }
  };
  steps.on_set_kept = [&](const app::SetKept& kept) {
    say(out, "{}", next_step(kept, options, style));
  };
  steps.on_saved = [&](const std::string& path) {
    say(out, "Results: {}\n", printable(path, kMostChars));
  };
  const Status done = app::measure({std::move(request), !options.no_store, command.keeps_profiles},
                                   steps, environment.workplace);
  if (!done) return tl::unexpected(done.error());
  return 0;
}

}  // namespace sweetspot::cli
