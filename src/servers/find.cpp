#include "servers/find.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "ground/pieces.hpp"
#include "kernel/own_file.hpp"

namespace sweetspot::servers {
namespace {

namespace fs = std::filesystem;

struct Place {
  std::string_view folder;  // below the root, or "~/" below the user's folder
  std::string_view where;
};

constexpr std::array<Place, 15> kPlaces = {{
    {"home/linuxbrew/.linuxbrew/bin", "Homebrew"},
    {"~/.linuxbrew/bin", "Homebrew"},
    {"opt/homebrew/bin", "Homebrew"},
    {"usr/local/bin", "/usr/local/bin"},
    {"usr/local/lib/ollama", "beside Ollama"},
    {"usr/lib/ollama", "beside Ollama"},
    {"~/.local/lib/ollama", "beside Ollama"},
    {"opt/ollama/lib/ollama", "beside Ollama"},
    {"~/llama.cpp/build/bin", "~/llama.cpp"},
    {"~/src/llama.cpp/build/bin", "~/src/llama.cpp"},
    {"~/ik_llama.cpp/build/bin", "~/ik_llama.cpp"},
    {"~/.local/bin", "~/.local/bin"},
    {"opt/llama.cpp/bin", "/opt/llama.cpp"},
    {"opt/llama.cpp/build/bin", "/opt/llama.cpp"},
    {"usr/bin", "/usr/bin"},
}};

class Search {
 public:
  // A folder may hold many things: only what is a llama-server by its name is taken.
  void look_in(const fs::path& folder, std::string_view where) {
    for (const char* name : {"llama-server", "llama"}) {
      std::error_code problem;
      const fs::path file = folder / name;
      if (!file.is_absolute() || !fs::is_regular_file(file, problem)) continue;
      const fs::path real = fs::canonical(file, problem);
      if (problem || !seen_.insert(real.string()).second) continue;
      Result<ServerCommand> command = command_of(file.string(), {});
      if (command) found_.push_back({*std::move(command), std::string(where)});
      break;  // both are one llama.cpp
    }
  }

  std::vector<Found> take() { return std::move(found_); }

 private:
  std::set<std::string> seen_;
  std::vector<Found> found_;
};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::string() : value;
}

}  // namespace

std::vector<Found> find_servers(const FindPlaces& places) {
  Search search;
  for (const std::string_view folder : split(places.path, ':')) search.look_in(folder, "PATH");
  for (const Place& place : kPlaces) {
    const bool of_user = place.folder.starts_with("~/");
    if (of_user && places.home.empty()) continue;
    search.look_in(of_user ? fs::path(places.home) / place.folder.substr(2)
                           : fs::path(places.root) / place.folder,
                   place.where);
  }
  if (!places.our_llama.empty()) search.look_in(places.our_llama, "with sweetspot");
  return search.take();
}

FindPlaces default_find_places() {
  FindPlaces places;
  places.path = variable("PATH");
  places.home = variable("HOME");
  const fs::path own = kernel::own_folder();
  for (const fs::path& folder :
       {own / "llama/bin", own.parent_path() / "libexec/sweetspot/llama/bin"}) {
    std::error_code problem;
    if (!own.empty() && fs::is_directory(folder, problem)) places.our_llama = folder.string();
  }
  return places;
}

}  // namespace sweetspot::servers
