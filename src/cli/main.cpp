// What the commands have in common: parsing, help, exit codes, the one place that prints errors.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <sstream>
#include <system_error>

#include "cli/command.hpp"
#include "cli/described.hpp"
#include "cli/environment.hpp"
#include "cli/help.hpp"
#include "cli/llama_flags.hpp"
#include "cli/print.hpp"
#include "cli/program.hpp"
#include "cli/refused_flags.hpp"
#include "core/text.hpp"
#include "process/own_limits.hpp"
#include "process/tree.hpp"

namespace sweetspot::cli {
namespace {

int report_error(const Error& error, const Environment& environment) {
  constexpr std::size_t kMaxChars = 1000;
  std::string text = printable(error.message, kMaxChars);
  if (!error.remedy.empty()) text += "; " + printable(error.remedy, kMaxChars);
  say(environment.err, "sweetspot: {}.\n", text);
  return exit_code(error.kind);
}

int print_help(const CLI::App& app, bool everything, const Environment& environment) {
  constexpr int kWidthOfAPipe = 80;
  const int width = environment.stdout_is_terminal ? environment.width : kWidthOfAPipe;
  const DescribedCommand page = describe(app);
  environment.out->write(everything ? long_help(page, width) : short_help(page, width));
  return 0;
}

// The parser names what is missing as it was declared, and not whose it is.
std::string in_our_words(const CLI::ParseError& problem, const CLI::App& command) {
  if (problem.get_name() != "RequiredError") return problem.what();
  const DescribedCommand described = describe(command);
  return fmt::format("`{}` needs more: {} {}", described.name, described.name, described.usage());
}

int parse_and_run(int argc, const char* const* argv, Environment& environment) {
  CLI::App app;
  Result<int> outcome = 0;
  add_commands(app, environment, outcome);
  if (argc < 2) return print_help(app, /*everything=*/false, environment);
  Result<std::vector<std::string>> arguments =
      spell_out_flags({argv, static_cast<std::size_t>(argc)}, app);
  if (!arguments) return report_error(arguments.error(), environment);
  try {
    std::reverse(arguments->begin(), arguments->end());  // as CLI11 takes a vector
    app.parse(*std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return print_help(innermost(app), /*everything=*/false, environment);
  } catch (const CLI::CallForAllHelp&) {
    return print_help(innermost(app), /*everything=*/true, environment);
  } catch (const CLI::Success& wanted) {  // --version
    std::ostringstream text;
    const int code = app.exit(wanted, text, text);
    environment.out->write(text.str());
    return code;
  } catch (const CLI::ParseError& e) {
    const CLI::App& command = innermost(app);
    return report_error({ErrorKind::usage, in_our_words(e, command), see_help(path_of(command))},
                        environment);
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
