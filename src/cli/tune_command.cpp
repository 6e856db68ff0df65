// sweetspot tune: the fastest configuration for a workload, over all knobs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/environment.hpp"
#include "cli/kept_set.hpp"
#include "cli/llama_variables.hpp"
#include "cli/measured_run.hpp"
#include "cli/print.hpp"
#include "cli/run_progress.hpp"
#include "cli/tune_options.hpp"
#include "core/json.hpp"
#include "core/text.hpp"
#include "export/llama_server.hpp"
#include "profiles/server_now.hpp"
#include "report/run_report.hpp"
#include "report/tune_report.hpp"
#include "store/run_file.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kTuneExamples = R"(
Examples:
  sweetspot tune model.gguf                                    (a chat)
  sweetspot tune model.gguf --workload rag --max-minutes 5
  sweetspot tune model.gguf -p 4096 -n 512 -c 32768 --vram-percent 70
  sweetspot tune model.gguf --workload agent --allow-kv-quant --json > tune.json
)";

// The winner as a command line, to be copied.
std::string command_of(const Run& run) {
  if (!run.tune || !run.tune->winner) return {};
  const Trial& winner = run.results[*run.tune->winner];
  Config config = winner.config;
  config.placement.n_gpu_layers = winner.layers;
  config.server = profiles::server_then(run, winner);
  return "llama-server " + exporting::line_to_paste(exporting::llama_server_arguments(
                               config, run.model.path, run.settings.rpc));
}

Result<int> tune(const TuneOptions& options, const Environment& environment) {
  Result<TuneRequest> asked = make_tune(options, environment);
  if (!asked) return tl::unexpected(asked.error());
  note_variables(environment, asked->request.base, options.common.knobs, /*layers_given=*/true);
  const bool json = options.common.json;
  const std::string path = output_path_of(options.common);
  asked->request.output_path = path;
  const engine::StartOptions start = asked->request.start;
  if (const Status writable = store::check_writable(path); !writable) {
    return tl::unexpected(writable.error());
  }
  Result<profiler::Profiler> profiler = profiler::Profiler::open(std::move(asked->request));
  if (!profiler) return tl::unexpected(profiler.error());
  process::StandardStream* const text_out = json ? environment.err : environment.out;
  const report::Style style = json ? stderr_style(environment) : stdout_style(environment);
  say(text_out, "{}", report::header_text(profiler->prepared(), style));

  RunProgress progress(environment, 2 * options.common.max_seconds);
  const profiler::RunOutcome outcome =
      profiler->tune(asked->job, [&](const profiler::Event& event) { progress.on_event(event); });
  progress.finish();
  if (json) {
    say(environment.out, "{}\n", dump(to_json(outcome.run), 2));
  } else {
    say(environment.out, "\n{}\n{}", report::tune_table(outcome.run, style),
        report::tune_text(outcome.run, style));
    if (const std::string command = command_of(outcome.run); !command.empty()) {
      say(environment.out, "\n{}\n", printable(command, 8192));
    }
  }
  if (!outcome.save_error) say(text_out, "\nresults: {}\n", printable(path, 4096));
  if (!options.common.no_store) {
    const std::string kept =
        keep_set_of(outcome.run, options.common.model_path, start, environment);
    say(text_out, "{}\n", printable(kept, 4096));
  }
  return conclude_run(outcome, path);
}

}  // namespace

void add_tune(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<TuneOptions>();
  app.footer(kTuneExamples);
  add_tune_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = tune(*options, environment); });
}

}  // namespace sweetspot::cli
