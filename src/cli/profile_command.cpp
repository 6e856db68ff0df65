// sweetspot profile: measure a model with different layer counts and recommend profiles.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "cli/environment.hpp"
#include "cli/kept_set.hpp"
#include "cli/layer_list.hpp"
#include "cli/llama_variables.hpp"
#include "cli/measured_run.hpp"
#include "cli/print.hpp"
#include "cli/profile_options.hpp"
#include "cli/run_progress.hpp"
#include "cli/sweep_question.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "profiler/profiler.hpp"
#include "store/run_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kProfileExamples = R"(
Examples:
  sweetspot profile model.gguf                                 (a handful of well-chosen trials)
  sweetspot profile model.gguf --quick
  sweetspot profile model.gguf --layers 0-32+8 -c 8192 -ctk q8_0 -ctv q8_0 -fa on
  sweetspot profile model.gguf --full --vram-limit 6GiB        (as on a 6 GB card)
  sweetspot profile model.gguf --rpc 192.168.1.20:50052 -p 2048 -n 256 --json > run.json
)";

Result<SweepChoice> choose_sweep(const ProfileOptions& options, const Environment& environment,
                                 int offloadable) {
  switch (sweep_mode(options)) {
    case SweepMode::full:
      return SweepChoice{"full", full_layers(offloadable)};
    case SweepMode::custom: {
      auto list = parse_layer_list(options.layers);
      if (!list) return tl::unexpected(list.error());
      return SweepChoice{"custom", std::move(*list)};
    }
    case SweepMode::unasked:
      // Without a device there is nothing to choose: every count means the CPU.
      if (offloadable > 0 && environment.stdin_is_terminal && environment.stderr_is_terminal &&
          !options.json) {
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

void print_run(const Run& run, const ProfileOptions& options, const Environment& environment) {
  const report::Style style = stdout_style(environment);
  for (const std::string& part :
       {report::results_table(run, style, sort_of(options)), report::curve_text(run, style),
        report::failures_text(run, style), report::memory_table(run, style),
        report::analysis_text(run, style), report::profiles_text(run, style)}) {
    if (!part.empty()) say(environment.out, "\n{}", part);
  }
}

Result<int> profile(const ProfileOptions& options, const Environment& environment) {
  Result<profiler::Request> request = make_request(options, environment);
  if (!request) return tl::unexpected(request.error());
  note_variables(environment, request->base, options.knobs, /*layers_given=*/true);
  request->output_path = output_path_of(options);
  const std::string path = request->output_path;
  const engine::StartOptions start = request->start;
  if (const Status writable = store::check_writable(path); !writable) {
    return tl::unexpected(writable.error());
  }
  Result<profiler::Profiler> profiler = profiler::Profiler::open(std::move(*request));
  if (!profiler) return tl::unexpected(profiler.error());
  process::StandardStream* const text_out = options.json ? environment.err : environment.out;
  say(text_out, "{}",
      report::header_text(profiler->prepared(),
                          options.json ? stderr_style(environment) : stdout_style(environment)));
  const Result<SweepChoice> sweep =
      choose_sweep(options, environment, profiler->offloadable_layers());
  if (!sweep) return tl::unexpected(sweep.error());

  RunProgress progress(environment, 2 * options.max_seconds);
  const profiler::Observer observer = [&](const profiler::Event& event) {
    progress.on_event(event);
  };
  const profiler::RunOutcome outcome =
      sweep->mode == "adaptive" ? profiler->run_adaptively(observer)
                                : profiler->run(sweep->requested_layers, sweep->mode, observer);
  progress.finish();
  if (options.json) {
    say(environment.out, "{}\n", dump(to_json(outcome.run), 2));
  } else {
    print_run(outcome.run, options, environment);
  }
  if (!outcome.save_error) say(text_out, "\nresults: {}\n", printable(path, 4096));
  if (!options.no_store) {
    say(text_out, "{}\n",
        printable(keep_set_of(outcome.run, options.model_path, start, environment), 4096));
  }
  return conclude_run(outcome, path);
}

}  // namespace

void add_profile(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<ProfileOptions>();
  app.footer(kProfileExamples);
  add_profile_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = profile(*options, environment); });
}

}  // namespace sweetspot::cli
