#include "engine/locate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "core/text.hpp"
#include "kernel/own_file.hpp"
#include "process/tree.hpp"

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgramName = "sweetspot-worker";

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> find_in_path(std::string_view path, const std::string& name) {
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const fs::path candidate = fs::path(path.substr(0, colon)) / name;
    // A relative entry would let the current folder decide what we run.
    if (candidate.is_absolute() && is_program(candidate)) return candidate.string();
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return std::nullopt;
}

// Beside us, as in a build tree, or where an installation keeps what users do not start.
std::optional<std::string> find_of_ours(const std::string& own_directory, const fs::path& name) {
  if (own_directory.empty()) return std::nullopt;
  const fs::path own = own_directory;
  for (const fs::path& folder : {own, own.parent_path() / "libexec/sweetspot"}) {
    if (is_program(folder / name)) return (folder / name).string();
  }
  return std::nullopt;
}

}  // namespace

SearchPlaces default_places() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  return {kernel::own_folder(), path == nullptr ? "" : path};
}

Result<WorkerProgram> locate_worker(const std::string& override_path, const SearchPlaces& places) {
  if (!override_path.empty()) {
    std::error_code problem;
    if (!is_program(override_path)) {
      return error(ErrorKind::usage, override_path + " is not a program that can be started",
                   "name the sweetspot-worker program");
    }
    return WorkerProgram{fs::absolute(override_path, problem).string()};
  }
  if (const auto found = find_of_ours(places.own_directory, kProgramName)) {
    return WorkerProgram{*found};
  }
  if (const auto found = find_in_path(places.path, kProgramName)) return WorkerProgram{*found};
  if (places.own_directory.empty()) return tl::unexpected(process::no_proc());
  return error(ErrorKind::internal,
               "the program sweetspot-worker is missing: it is neither beside sweetspot, nor in "
               "../libexec/sweetspot, nor in PATH",
               "build it with `make`, or install sweetspot again");
}

Result<std::string> locate_program(const std::string& name, const SearchPlaces& places) {
  if (const auto found = find_in_path(places.path, name)) return *found;
  if (const auto found = find_of_ours(places.own_directory, fs::path("llama/bin") / name)) {
    return *found;
  }
  return error(ErrorKind::usage,
               fmt::format("{} is neither in PATH nor among the programs of sweetspot's llama.cpp",
                           shortened(name)),
               "install llama.cpp's programs, or name one after `--`");
}

}  // namespace sweetspot::engine
