// sweetspot tune: the fastest configuration for a workload, over all knobs.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "app/engines.hpp"
#include "cli/environment.hpp"
#include "cli/measuring_command.hpp"
#include "cli/print.hpp"
#include "cli/tune_options.hpp"
#include "core/text.hpp"
#include "profiles/server_now.hpp"
#include "report/tune_report.hpp"

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
std::string command_of(const Run& run, const app::Workplace& workplace) {
  if (!run.tune || !run.tune->winner) return {};
  const Trial& winner = run.results[*run.tune->winner];
  Config config = winner.config;
  config.placement.n_gpu_layers = winner.layers;
  config.server = profiles::server_then(run, winner);
  return app::line_to_start(workplace, config, run.model.path, run.settings.rpc);
}

void print_tune(const Run& run, const Environment& environment) {
  const report::Style style = stdout_style(environment);
  say(environment.out, "\n{}\n{}", report::tune_table(run, style), report::tune_text(run, style));
  if (const std::string command = command_of(run, environment.workplace); !command.empty()) {
    say(environment.out, "\n{}\n", printable(command, 8192));
  }
}

Result<int> tune(const TuneOptions& options, const Environment& environment) {
  Result<TuneRequest> asked = make_tune(options, environment);
  if (!asked) return tl::unexpected(asked.error());
  MeasuringCommand command;
  command.measure = [&](profiler::Profiler& profiler, const profiler::Observer& observer) {
    return Result<profiler::RunOutcome>(profiler.tune(asked->job, observer));
  };
  command.print = [&](const Run& run) { print_tune(run, environment); };
  return run_measuring(std::move(asked->request), options.measuring, environment, command);
}

}  // namespace

void add_tune(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<TuneOptions>();
  app.footer(kTuneExamples);
  add_tune_options(app, *options);
  app.callback([options, &environment, &outcome] { outcome = tune(*options, environment); });
}

}  // namespace sweetspot::cli
