#include "cli/launch_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/connection.hpp"
#include "core/text.hpp"
#include "engine/locate.hpp"
#include "launch/serving.hpp"

namespace sweetspot::cli {
namespace {

namespace fs = std::filesystem;

void add_devices_to_use(CLI::App& app, LaunchOptions& options) {
  app.add_option("--rpc", options.rpc, "ggml RPC servers to offload to")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("HOST:PORT,...")
      ->group("What must hold");
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

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

// What llama.cpp's programs read as they read flags.
std::vector<std::string> set_llama_variables() {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) {
    if (std::string_view(*each).starts_with("LLAMA_ARG_")) variables.emplace_back(*each);
  }
  return variables;
}

}  // namespace

void add_launch_options(CLI::App& app, LaunchOptions& options) {
  app.add_option("-m,--model,MODEL", options.model_path, "GGUF file")->required();
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

Status check_rpc(const LaunchOptions& options) {
  for (const std::string& endpoint : options.rpc) {
    const Result<Endpoint> parsed = parse_endpoint(endpoint, "--rpc");
    if (!parsed) return tl::unexpected(parsed.error());
  }
  return {};
}

launch::Job job_of(const LaunchOptions& options, launch::Program program,
                   std::uint64_t model_bytes) {
  launch::Job job;
  job.program = std::move(program);
  job.loader = launch::loader_of(job.program);
  job.model_path = options.model_path;
  job.rpc = options.rpc;
  job.limits.load_seconds = options.load_timeout_seconds > 0
                                ? options.load_timeout_seconds
                                : launch::load_seconds_for(model_bytes);
  job.limits.probe_seconds = options.probe_timeout_seconds;
  job.limits.total_seconds = options.max_seconds;
  job.limits.stop_seconds = options.stop_timeout_seconds;
  job.limits.drain_seconds = options.drain_seconds;
  job.watch.watermark_percent = options.watermark_percent;
  job.probe = !options.no_probe;
  if (options.adapt) {
    job.adapt = launch::AdaptRules{};
    job.adapt->down_after_seconds = options.adapt_down_after_seconds;
    job.adapt->up_after_seconds = options.adapt_up_after_seconds;
  }
  return job;
}

Result<launch::Program> find_program(const std::vector<std::string>& command) {
  launch::Program program;
  program.argv = command.empty() ? std::vector<std::string>{"llama-server"} : command;
  std::string& name = program.argv.front();
  program.kind = launch::kind_of(name);
  if (program.kind != launch::ProgramKind::other) program.environment = set_llama_variables();
  if (name.find('/') == std::string::npos) {
    Result<std::string> found = engine::locate_program(name);
    if (!found) return tl::unexpected(found.error());
    name = *std::move(found);
  } else if (!is_program(name)) {
    return error(ErrorKind::usage,
                 fmt::format("{} is not a program that can be started", printable(name)),
                 "check the path after `--`");
  }
  return program;
}

}  // namespace sweetspot::cli
