// A launch from the model file to the program's exit code: which profiles there are, which one is
// first, what the program is told, and what is remembered of it.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/live_view.hpp"
#include "app/set_source.hpp"
#include "app/workplace.hpp"
#include "core/endpoint.hpp"
#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "launch/launch.hpp"
#include "launch/uncounted.hpp"
#include "profiles/choose.hpp"
#include "profiles/pick_set.hpp"

namespace sweetspot::app {

struct LaunchRequest {
  std::string model_path;
  launch::Program program;  ///< as find_program() found it
  Endpoint listen;          ///< where a server listens unless its own arguments say otherwise
  std::string api_key;      ///< empty = none
  std::vector<std::string> rpc;
  profiles::Requirements wanted;  ///< the loader is the program's
  profiles::WantedSet set;
  HostProgram host_program = HostProgram::llama_server;  ///< how the program makes its context
  launch::Limits limits = {.load_seconds = 0};  ///< 0 = a load takes as the file's size says
  launch::WatchRules watch;
  std::optional<launch::AdaptRules> adapt;  ///< nothing: the profile stays
  bool probe = true;
  std::vector<launch::Variable> variables;  ///< that llama.cpp's programs read beside their flags
  bool keep_plan = true;
  OnMeasuringShare on_measuring;
  Workplace workplace;             ///< with the engine that the program is of
  std::vector<std::string> notes;  ///< of finding the program, to be said first
};

/// The job of a request but its rungs.
launch::Job job_of(const LaunchRequest& request, launch::ServerAddress address,
                   std::uint64_t model_bytes);

/// Not thread safe; neither copied nor moved, since what runs looks into it.
class Launching {
 public:
  /// What is to be said goes to `on_event`, from prepare() as Warned.
  Launching(LaunchRequest request, launch::Observer on_event);
  Launching(const Launching&) = delete;
  Launching& operator=(const Launching&) = delete;
  ~Launching() = default;

  /// Finds the profiles, chooses and makes the command line; starts no program, but maybe workers.
  /// Errors: those of address_of(), model_key(), stored_set() and command_for(); usage: no profile
  /// of that name; nothing_measurable: nothing may be loaded now; interrupted.
  Status prepare();

  /// After prepare(): the first command line, and why this profile, one sentence.
  [[nodiscard]] const std::vector<std::string>& command() const { return command_; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

  /// After prepare(): runs until the program has ended for good. Its exit code, as launch::run().
  int run();

 private:
  void note(std::string text) const;
  LiveMachine live();
  Result<FoundSet> find_set();
  Status choose(launch::ServerAddress address);
  Status make_command();
  Reading<std::uint64_t> free_of(const std::string& device);
  void keep(const LoadReport& report);

  LaunchRequest request_;
  const Workplace workplace_;
  const launch::Observer on_event_;
  ModelKey model_;
  std::optional<LiveView> view_;
  LiveMachine first_;  // before anything was started
  FoundSet known_;     // reports go to its path
  launch::Job job_;
  std::vector<std::string> command_;
  std::string reason_;
};

}  // namespace sweetspot::app
