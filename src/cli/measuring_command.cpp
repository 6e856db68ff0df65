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
#include "report/run_report.hpp"

namespace sweetspot::cli {

Result<int> run_measuring(profiler::Request request, const MeasuringOptions& options,
                          const Environment& environment, const MeasuringCommand& command) {
  constexpr std::size_t kMostChars = 4096;
  note_variables(environment, request.base, options.knobs, /*layers_given=*/true);
  // With --json stdout is the run's alone.
  process::StandardStream* const out = options.json ? environment.err : environment.out;
  const report::Style style = options.json ? stderr_style(environment) : stdout_style(environment);
  RunProgress progress(environment, 2 * options.max_seconds);
  app::MeasuringSteps steps;
  steps.on_prepared = [&](const Run& prepared) {
    say(out, "{}", report::header_text(prepared, style));
  };
  steps.measure = [&](profiler::Profiler& profiler) {
    Result<profiler::RunOutcome> outcome =
        command.measure(profiler, [&](const profiler::Event& event) { progress.on_event(event); });
    progress.finish();
    return outcome;
  };
  steps.on_measured = [&](const Run& run) {
    if (!options.json) return command.print(run);
    say(environment.out, "{}\n", dump(to_json(run), 2));
  };
  steps.on_saved = [&](const std::string& path) {
    say(out, "\nresults: {}\n", printable(path, kMostChars));
  };
  steps.on_set_kept = [&](const app::SetKept& kept) {
    say(out, "{}\n", printable(sentence(kept), kMostChars));
  };
  const Status done =
      app::measure({std::move(request), !options.no_store}, steps, environment.workplace);
  if (!done) return tl::unexpected(done.error());
  return 0;
}

}  // namespace sweetspot::cli
