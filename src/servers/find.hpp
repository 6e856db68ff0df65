// llama-servers on this machine.
#pragma once

#include <string>
#include <vector>

#include "servers/command.hpp"

namespace sweetspot::servers {

/// Where to look.
struct FindPlaces {
  std::string path;        ///< as the variable PATH
  std::string home;        ///< the user's folder; empty = none
  std::string root = "/";  ///< of the file system; tests have their own
  std::string our_llama;   ///< folder of the programs of our own llama.cpp; empty = none
};

struct Found {
  ServerCommand command;
  std::string where;  ///< "PATH", "Homebrew", "beside Ollama", "~/llama.cpp", "with sweetspot"
};

/// Each program once, as first found: in PATH, Homebrew's folders, beside Ollama, in the usual
/// folders of builds and packages, last our own. None is started.
std::vector<Found> find_servers(const FindPlaces& places);

/// This process's own.
FindPlaces default_find_places();

}  // namespace sweetspot::servers
