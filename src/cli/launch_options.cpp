#include "cli/launch_options.hpp"

#include <CLI/CLI.hpp>
#include <utility>

#include "app/program.hpp"
#include "cli/connection.hpp"
#include "cli/llama_variables.hpp"
#include "store/profile_set_file.hpp"

namespace sweetspot::cli {
namespace {

void add_devices_to_use(CLI::App& app, LaunchOptions& options) {
  app.add_option("--rpc", options.rpc, "ggml RPC servers to offload to")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("HOST:PORT,...")
      ->group("Requirements");
}

void add_program(CLI::App& app, LaunchOptions& options) {
  const char* group = "Program";
  app.add_option("--host", options.host, "Address the server listens at")
      ->envname("LLAMA_ARG_HOST")
      ->type_name("HOST")
      ->capture_default_str()
      ->group(group);
  app.add_option("--port", options.port, "Port the server listens at")
      ->envname("LLAMA_ARG_PORT")
      ->check(CLI::Range(1, 65535))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  // Not shown in the help, since other users can read a command line; llama-server's variable is
  // read too.
  app.add_option("--api-key", options.api_key, "")->envname("LLAMA_API_KEY")->group("");
  app.add_flag("--no-probe", options.no_probe,
               "Do not ask the server a question of the profile's whole context first")
      ->group(group);
}

void add_times(CLI::App& app, LaunchOptions& options) {
  const char* group = "Times";
  const auto seconds = [&](const char* name, double& value, const char* help) {
    return app.add_option(name, value, help)
        ->check(CLI::PositiveNumber)
        ->type_name("SECONDS")
        ->group(group);
  };
  seconds("--load-timeout", options.load_timeout_seconds,
          "A load may take (default: 60 and the file at 20 MB/s)");
  seconds("--probe-timeout", options.probe_timeout_seconds, "The first questions may take")
      ->capture_default_str();
  seconds("--max-seconds", options.max_seconds,
          "Until something works, all profiles together (default: the sum)");
  seconds("--stop-timeout", options.stop_timeout_seconds,
          "A program that was told to end may take before it is ended")
      ->capture_default_str();
}

void add_watching(CLI::App& app, LaunchOptions& options) {
  const char* group = "While it runs";
  app.add_option("--watermark", options.watermark_percent,
                 "Warn when so much of a device's memory is in use")
      ->check(CLI::Range(1.0, 100.0))
      ->type_name("PERCENT")
      ->capture_default_str()
      ->group(group);
  CLI::Option* adapt =
      app.add_flag(
             "--adapt", options.adapt,
             "Take a smaller profile when others need memory, and a larger one when it is back")
          ->group(group);
  const auto seconds = [&](const char* name, double& value, const char* help) {
    app.add_option(name, value, help)
        ->check(CLI::NonNegativeNumber)
        ->type_name("SECONDS")
        ->capture_default_str()
        ->needs(adapt)
        ->group(group);
  };
  seconds("--adapt-down-after", options.adapt_down_after_seconds, "Memory is short for so long");
  seconds("--adapt-up-after", options.adapt_up_after_seconds, "Memory is back for so long");
  seconds("--drain-timeout", options.drain_seconds, "Requests under way may take before a change");
}

// With which llama.cpp depends on the profiles that are kept for the model.
Result<app::LaunchProgram> program_of(const LaunchOptions& options, app::LaunchRequest& request,
                                      const app::Workplace& workplace) {
  app::SetSource source;
  source.model_path = request.model_path;
  // Of a file that cannot be read no profiles are kept; what is wrong with it is said later.
  source.key = store::model_key(request.model_path).value_or(ModelKey{request.model_path, 0, {}});
  source.connection.rpc = request.rpc;
  source.wanted = request.set;
  return app::find_launch_program(options.command, request.variables, source, workplace,
                                  request.notes);
}

}  // namespace

void add_launch_options(CLI::App& app, LaunchOptions& options) {
  app.add_option("-m,--model,MODEL", options.model_path,
                 "The model, or the name that `profiles list` shows")
      ->required();
  app.add_option("COMMAND", options.command,
                 "After `--`: the program and its own arguments (default: llama-server)");
  add_requirements(app, options.requirements);
  add_devices_to_use(app, options);
  add_program(app, options);
  add_times(app, options);
  add_watching(app, options);
  app.add_flag("--dry-run", options.dry_run, "Print the command line and start nothing");
  app.add_flag("--json", options.json, "What happens as JSON lines on stderr");
}

Result<app::LaunchRequest> launch_request(const LaunchOptions& options,
                                          const Environment& environment) {
  app::LaunchRequest request;
  // First of all: which engine it is depends on the profiles of the file.
  Result<std::string> file = known_model_file(options.model_path, environment);
  if (!file) return tl::unexpected(file.error());
  request.model_path = *std::move(file);
  const Result<Wanted> wanted = wanted_of(options.requirements);
  if (!wanted) return tl::unexpected(wanted.error());
  request.wanted = wanted->requirements;
  request.set = wanted->set;
  ConnectionOptions connection;
  connection.rpc = options.rpc;
  if (const auto checked = connection_of(connection, environment); !checked) {
    return tl::unexpected(checked.error());
  }
  request.rpc = options.rpc;
  request.variables = llama_variables();
  Result<app::LaunchProgram> found = program_of(options, request, environment.workplace);
  if (!found) return tl::unexpected(found.error());
  request.program = std::move(found->program);
  request.workplace = std::move(found->workplace);
  const Result<HostProgram> host =
      host_program_of(options.requirements, launch::host_program_of(request.program.kind));
  if (!host) return tl::unexpected(host.error());
  request.host_program = *host;
  request.listen = {options.host, options.port};
  request.api_key = options.api_key;
  request.limits.load_seconds = options.load_timeout_seconds;
  request.limits.probe_seconds = options.probe_timeout_seconds;
  request.limits.total_seconds = options.max_seconds;
  request.limits.stop_seconds = options.stop_timeout_seconds;
  request.limits.drain_seconds = options.drain_seconds;
  request.watch.watermark_percent = options.watermark_percent;
  request.probe = !options.no_probe;
  request.keep_plan = !options.dry_run;
  if (options.adapt) {
    request.adapt = launch::AdaptRules{};
    request.adapt->down_after_seconds = options.adapt_down_after_seconds;
    request.adapt->up_after_seconds = options.adapt_up_after_seconds;
  }
  return request;
}

}  // namespace sweetspot::cli
