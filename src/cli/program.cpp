#include "cli/program.hpp"

#include <CLI/CLI.hpp>
#include <array>

#include "sweetspot_version.hpp"

namespace sweetspot::cli {
namespace {

constexpr std::array<Command, 15> kCommands = {{
    {"profile", "Measure how many layers of a model to put on the GPU", add_profile},
    {"tune", "Find the fastest settings of all for the requests you have", add_tune},
    {"plan", "Say what fits, before anything is loaded or downloaded", add_plan},
    {"choose", "Say what to load now, or write it for another program", add_choose},
    {"launch", "Start llama-server, or another program, with what fits now", add_launch},
    {"profiles", "List, show, remove, import and export what was measured", add_profiles},
    {"history", "List what was measured, show it again, remove it", add_history},
    {"check", "Say whether a stored profile still holds, by measuring it again", add_check},
    {"compare", "Say whether one run is faster than another", add_compare},
    {"report", "Make a page of charts and tables of what was measured or planned", add_report},
    {"devices", "Show the GPUs that llama.cpp can use", add_devices},
    {"engine", "List the llama.cpps of this machine, and say which one to take", add_engine},
    {"inspect", "Show a model file's metadata", add_inspect},
    {"synth", "Write a model of any size with random weights", add_synth},
    {"serve", "Offer this machine's devices to another one over ggml's RPC", add_serve},
}};

constexpr const char* kFooter = R"(
Exit codes:
  0    all fine
  1    it is slower than --fail-if-slower allows (check, compare)
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
  sweetspot profile model.gguf            measure it: how many layers, how fast
  sweetspot plan model.gguf               what fits; needs the file's header only
  sweetspot launch model.gguf             start llama-server with the best that fits now
)";

}  // namespace

void add_commands(CLI::App& app, Environment& environment, Result<int>& outcome) {
  app.description("Find the fastest llama.cpp settings that safely fit a GPU, by measuring them");
  app.name("sweetspot");
  app.set_help_flag("-h", "The most used options");
  app.set_help_all_flag("--help", "All options");
  app.set_version_flag("-V,--version", std::string(kVersion), "The version");
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
  for (const Command& command : kCommands) {
    CLI::App* sub = app.add_subcommand(command.name, command.summary);
    sub->fallthrough();
    // As in llama.cpp, the last of several wins; options that take lists say otherwise.
    sub->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    command.add(*sub, environment, outcome);
  }
}

const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  return *deepest;
}

std::string path_of(const CLI::App& command) {
  const CLI::App* const parent = command.get_parent();
  if (parent == nullptr) return {};
  const std::string above = path_of(*parent);
  return above.empty() ? command.get_name() : above + " " + command.get_name();
}

}  // namespace sweetspot::cli
