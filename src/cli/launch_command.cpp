// sweetspot launch: the real program with a profile's flags, under watch.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "app/launching.hpp"
#include "cli/command.hpp"
#include "cli/launch_events.hpp"
#include "cli/launch_options.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "export/llama_server.hpp"

namespace sweetspot::cli {
namespace {

constexpr const char* kLaunchExamples = R"(
llama-server, llama-cli and llama-completion get flags. Any other program is told through placeholders in
its arguments: {model}, {flags}, {port}, {host}, {rpc}, {profile}, {n_gpu_layers}, {n_ctx}, {n_batch}, ...

Exit codes: those of the program, 128 and the signal's number where one ended it, and
  2    a flag, the command or the address is wrong
  3    the model file cannot be used
  5    no profile fits, or none could be started
  70   internal error, or the program cannot be executed

Examples:
  sweetspot launch model.gguf
  sweetspot launch model.gguf --profile fast -- llama-server --metrics --alias local
  sweetspot launch model.gguf --adapt --port 9000
  sweetspot launch model.gguf --dry-run
  sweetspot launch model.gguf -- llama-cli -p 'Why is the sky blue?'
  sweetspot launch model.gguf -- python3 host.py --model {model} --layers {n_gpu_layers} --port {port}
)";

Result<int> launch_program(const LaunchOptions& options, const Environment& environment) {
  Result<app::LaunchRequest> request = launch_request(options, environment);
  if (!request) return tl::unexpected(request.error());
  request->on_measuring = [&](const std::string& device) {
    say_share_is_measured(environment, device);
  };
  app::Launching launching(*std::move(request), [&](const launch::Event& event) {
    tell(environment.err, event, options.json);
  });
  if (const Status ready = launching.prepare(); !ready) return tl::unexpected(ready.error());
  if (options.dry_run) {
    say(environment.out, "{}\n", exporting::line_to_paste(launching.command()));
    return 0;
  }
  constexpr std::size_t kMostChars = 1000;
  if (!options.json) {
    say(environment.err, "sweetspot: {}.\n", printable(launching.reason(), kMostChars));
  }
  return launching.run();
}

}  // namespace

void add_launch(CLI::App& app, const Environment& environment, Result<int>& outcome) {
  auto options = std::make_shared<LaunchOptions>();
  app.footer(kLaunchExamples);
  add_launch_options(app, *options);
  app.callback(
      [options, &environment, &outcome] { outcome = launch_program(*options, environment); });
}

}  // namespace sweetspot::cli
