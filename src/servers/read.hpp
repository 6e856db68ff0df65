// A llama-server asked what it is: --version, --help, --list-devices. What a program's file says is
// kept, and asked again only when the file or its libraries changed (of a wrapper after ten
// minutes); devices are asked each time.
#pragma once

#include <chrono>
#include <string>

#include "core/error.hpp"
#include "dialect/abilities.hpp"
#include "process/cancel.hpp"
#include "servers/command.hpp"

namespace sweetspot::servers {

struct ReadOptions {
  std::string cache_folder;  ///< sweetspot's in the user's; empty = keep nothing
  bool devices = false;      ///< ask for them too, which wakes cards
  std::string rpc;           ///< servers whose devices to ask for
  const process::CancelToken* cancel = nullptr;  ///< ends every wait
  std::chrono::milliseconds patience{30000};     ///< for each of the three
};

/// What a llama-server is.
struct ServerCard {
  ServerCommand command;
  std::string hash;  ///< of its file and libraries; of a wrapped one of its command and texts
  dialect::ProgramTexts texts;
  dialect::Abilities abilities;

  /// "llama.cpp 0.7.0 (build 11669, commit Debian)".
  [[nodiscard]] std::string title() const;
};

/// Errors: usage: it is no llama-server (KoboldCpp among them); device: it cannot be started here,
/// crashed, lacks a library, or did not answer in time; interrupted.
Result<ServerCard> read_server(const ServerCommand& command, const ReadOptions& options);

/// Sweetspot's folder in the user's cache: $XDG_CACHE_HOME, else ~/.cache. Empty where there is
/// neither.
std::string user_cache_folder();

/// Forgets what was kept of all programs.
void forget_readings(const std::string& cache_folder);

}  // namespace sweetspot::servers
