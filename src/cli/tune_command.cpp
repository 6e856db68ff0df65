// sweetspot tune: the fastest configuration for a workload, over all knobs.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "cli/command_of.hpp"
#include "cli/environment.hpp"
#include "cli/measuring_command.hpp"
#include "cli/tune_options.hpp"
#include "report/run_report.hpp"
#include "report/screen.hpp"
#include "report/tune_report.hpp"
#include "report/tune_screen.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kTuneExamples = R"(
Examples:
  sweetspot tune model.gguf                   for a chat, ten minutes
  sweetspot tune model.gguf --workload rag    long prompts, short answers
  sweetspot tune model.gguf --max-minutes 5
  sweetspot tune model.gguf -p 4096 -n 512 -c 32768 --vram-percent 70
  sweetspot tune model.gguf --workload agent --allow-kv-quant --json > tune.json
)";

std::string text_of(const Run& run, bool details, const Environment& environment) {
  const report::Style style = stdout_style(environment);
  std::string text = report::tune_screen(
      run, command_of(environment.workplace, run, run.tune ? run.tune->winner : std::nullopt),
      kLinesBelow, style);
  if (!details) return text;
  return report::parted({std::move(text), report::tune_table(run, style),
                         report::tune_text(run, style), report::failures_text(run, style)});
}

Result<int> tune(const TuneOptions& options, const Environment& environment) {
  Result<TuneRequest> asked = make_tune(options, environment);
  if (!asked) return tl::unexpected(asked.error());
  MeasuringCommand command;
  command.measure = [&](profiler::Profiler& profiler, const profiler::Observer& observer) {
    return Result<profiler::RunOutcome>(profiler.tune(asked->job, observer));
  };
  command.text = [&](const Run& run) {
    return text_of(run, options.measuring.details, environment);
  };
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
