// The commands, and what they have in common: parsing, exit codes, the one place that prints
// errors.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <new>
#include <sstream>
#include <system_error>

#include "cli/command.hpp"
#include "cli/environment.hpp"
#include "cli/llama_flags.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"
#include "process/own_limits.hpp"
#include "process/tree.hpp"
#include "sweetspot_version.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::array<Command, 12> kCommands = {{
    {"profile", "Measure a model with different layer counts and recommend profiles", add_profile},
    {"tune", "Find the fastest configuration for a workload, over all knobs", add_tune},
    {"plan", "Show what every configuration would take, before loading anything", add_plan},
    {"choose", "Say what to load now: of the model's profiles the best that fits", add_choose},
    {"profiles", "List, show, remove, import and export the profile sets that are kept",
     add_profiles},
    {"launch", "Start llama-server or another program with a profile, and stay with it",
     add_launch},
    {"report", "Make a page of measured runs or a plan: charts, tables, what was decided",
     add_report},
    {"devices", "List the devices llama.cpp can use and what their drivers say", add_devices},
    {"engine", "List the llama.cpps of this machine, and say which one to take", add_engine},
    {"inspect", "Show what a GGUF file says of itself", add_inspect},
    {"synth", "Write a model of any geometry with random weights", add_synth},
    {"serve", "Offer this machine's devices to another one over ggml's RPC", add_serve},
}};

constexpr const char* kFooter = R"(
Exit codes:
  0    all fine
  2    a flag or argument is wrong
  3    the model file cannot be used
  4    a device is not there or cannot be reached
  5    nothing could be measured, nothing fits (plan --flags, choose), or nothing could be started
       (launch)
  6    results or profiles could not be written, or profiles could not be read
  70   internal error
  71   this machine gives sweetspot no more memory, processes or file descriptors
  130  interrupted; what was measured is kept
  launch gives back the exit code of the program it started

Examples:
  sweetspot profile model.gguf --quick
  sweetspot plan model.gguf
  sweetspot launch model.gguf
  sweetspot devices
  sweetspot profile --help
)";

int report_error(const Error& error, const Environment& environment) {
  constexpr std::size_t kMaxChars = 1000;
  std::string text = printable(error.message, kMaxChars);
  if (!error.remedy.empty()) text += "; " + printable(error.remedy, kMaxChars);
  say(environment.err, "sweetspot: {}.\n", text);
  return exit_code(error.kind);
}

int parse_and_run(int argc, const char* const* argv, Environment& environment) {
  CLI::App app{
      "Finds the fastest llama.cpp configuration that safely fits a GPU, by measuring it."};
  app.name("sweetspot");
  app.set_version_flag("--version", std::string(kVersion));
  app.footer(kFooter);
  app.require_subcommand(1);
  app.add_option("--worker", environment.workplace.worker_program,
                 "The sweetspot-worker program (default: beside this program)")
      ->envname("SWEETSPOT_WORKER")
      ->type_name("PATH");
  app.add_option("--engine", environment.workplace.engine,
                 "The llama.cpp to work with: a llama-server, a folder with one, a command line "
                 "that starts one, or linked (see sweetspot engine --help)")
      ->envname("SWEETSPOT_ENGINE")
      ->type_name("ENGINE");
  Result<int> outcome = 0;
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->fallthrough();
    // As in llama.cpp, the last of several wins; options that take lists say otherwise.
    sub->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    command.add(*sub, environment, outcome);
  }
  Result<std::vector<std::string>> arguments =
      spell_out_flags({argv, static_cast<std::size_t>(argc)}, app);
  if (!arguments) return report_error(arguments.error(), environment);
  try {
    std::reverse(arguments->begin(), arguments->end());  // as CLI11 takes a vector
    app.parse(*std::move(arguments));
  } catch (const CLI::Success& wanted) {  // --help, --version
    std::ostringstream text;
    const int code = app.exit(wanted, text, text);
    environment.out->write(text.str());
    return code;
  } catch (const CLI::ParseError& e) {
    return report_error({ErrorKind::usage, e.what(), "see sweetspot --help"}, environment);
  }
  if (!outcome) return report_error(outcome.error(), environment);
  return *outcome;
}

// The limits of the machine reach us as exceptions of the standard library wherever they are hit.
int run(int argc, const char* const* argv, Environment& environment) {
  try {
    return parse_and_run(argc, argv, environment);
  } catch (const std::bad_alloc&) {
    return report_error({ErrorKind::host_limit, "there is not enough host memory for sweetspot",
                         "free some, or raise the limit that `ulimit -v` shows"},
                        environment);
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::resource_unavailable_try_again) throw;
    return report_error({ErrorKind::host_limit, "this account may have no more threads",
                         "end some programs, or raise the limit that `ulimit -u` shows"},
                        environment);
  }
}

// A command whose result could not be written has failed. A reader that has read enough (head) is
// no failure.
int with_results_written(int code, const Environment& environment) {
  const int problem = environment.out->problem();
  if (problem == 0 || problem == EPIPE) return code;
  if (problem == ECANCELED) return code == 0 ? exit_code(ErrorKind::interrupted) : code;
  const int output = report_error(
      {ErrorKind::output,
       "the results cannot be written to stdout: " + std::generic_category().message(problem),
       problem == EBADF ? "it is closed" : ""},
      environment);
  return code == 0 ? output : code;
}

}  // namespace
}  // namespace sweetspot::cli

int main(int argc, char** argv) {
  using namespace sweetspot;
  process::open_standard_descriptors();
  process::CancelToken cancel;
  process::cancel_on_signals(cancel);
  process::become_subreaper();
  process::limit_own_memory();
  std::signal(SIGXFSZ, SIG_IGN);  // a file-size limit becomes an error of write(), like a full disk
  using Stream = process::StandardStream;
  Stream out(STDOUT_FILENO, Stream::Use::results, &cancel);
  Stream err(STDERR_FILENO, Stream::Use::diagnostics, &cancel);
  try {
    cli::Environment environment = cli::read_environment();
    environment.workplace.cancel = &cancel;
    environment.out = &out;
    environment.err = &err;
    return cli::with_results_written(cli::run(argc, argv, environment), environment);
  } catch (const std::exception& e) {
    cli::say(&err, "sweetspot: internal error: {}. Please report it.\n", printable(e.what()));
    return exit_code(ErrorKind::internal);
  }
}
