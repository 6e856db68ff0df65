// What every command of the program is made of.
#pragma once

#include "app/workplace.hpp"
#include "core/error.hpp"
#include "process/standard_stream.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// Facts of the terminal and the process that commands share. Only this room reads them.
struct Environment {
  bool stdout_is_terminal = false;
  bool stderr_is_terminal = false;
  bool stdin_is_terminal = false;
  bool color = false;                      ///< colours are welcome on a terminal (NO_COLOR, TERM)
  int width = 100;                         ///< columns of the terminal, 100 where there is none
  app::Workplace workplace;                ///< the worker program by --worker or SWEETSPOT_WORKER
  process::StandardStream* out = nullptr;  ///< stdout, results; never null in a command
  process::StandardStream* err = nullptr;  ///< stderr, all else; never null in a command
};

/// A command: adds its options to `app` and returns what runs once they are parsed.
/// The runner returns the process exit code, or an Error that main prints.
struct Command {
  const char* name;
  const char* summary;
  void (*add)(CLI::App& app, const Environment& environment, Result<int>& outcome);
};

void add_check(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_choose(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_compare(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_devices(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_engine(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_history(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_inspect(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_launch(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_plan(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_profile(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_profiles(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_report(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_serve(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_synth(CLI::App& app, const Environment& environment, Result<int>& outcome);
void add_tune(CLI::App& app, const Environment& environment, Result<int>& outcome);

}  // namespace sweetspot::cli
