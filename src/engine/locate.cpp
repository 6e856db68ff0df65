#include "engine/locate.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "kernel/own_file.hpp"
#include "os/program.hpp"
#include "process/tree.hpp"

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;

// Beside us, as in a build tree, or where an installation keeps what users do not start.
std::optional<std::string> find_of_ours(const std::string& own_directory, const fs::path& name) {
  if (own_directory.empty()) return std::nullopt;
  const fs::path own = own_directory;
  for (const fs::path& folder : {own, own.parent_path() / "libexec/sweetspot"}) {
    if (os::is_program((folder / name).string())) return (folder / name).string();
  }
  return std::nullopt;
}

Result<WorkerProgram> locate_ours(const char* name, const SearchPlaces& places, Error missing) {
  if (const auto found = find_of_ours(places.own_directory, name)) return WorkerProgram{*found};
  if (const auto found = os::find_in_path(places.path, name)) return WorkerProgram{*found};
  if (places.own_directory.empty()) return tl::unexpected(process::no_proc());
  return tl::unexpected(std::move(missing));
}

constexpr const char* kNowhere =
    "is neither beside sweetspot, nor in ../libexec/sweetspot, nor in PATH";

}  // namespace

SearchPlaces default_places() {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  return {kernel::own_folder(), path == nullptr ? "" : path};
}

Result<WorkerProgram> locate_worker(const std::string& override_path, const SearchPlaces& places) {
  if (!override_path.empty()) {
    std::error_code problem;
    if (!os::is_program(override_path)) {
      return error(ErrorKind::usage, override_path + " is not a program that can be started",
                   "name the sweetspot-worker program");
    }
    return WorkerProgram{fs::absolute(override_path, problem).string()};
  }
  return locate_ours(
      "sweetspot-worker", places,
      {ErrorKind::device,
       fmt::format("sweetspot's own worker is not here: sweetspot-worker {}", kNowhere),
       "build it with `make`, not with LINKED_WORKER=OFF, or install sweetspot again"});
}

Result<WorkerProgram> locate_adapter(const SearchPlaces& places) {
  return locate_ours("sweetspot-adapter", places,
                     {ErrorKind::internal, fmt::format("sweetspot-adapter {}", kNowhere),
                      "build it with `make`, or install sweetspot again"});
}

Result<std::string> locate_program(const std::string& name, const SearchPlaces& places) {
  if (const auto found = os::find_in_path(places.path, name)) return *found;
  if (const auto found = find_of_ours(places.own_directory, fs::path("llama/bin") / name)) {
    return *found;
  }
  return error(ErrorKind::usage,
               fmt::format("program not found: {} is neither in PATH nor among the programs of "
                           "sweetspot's llama.cpp",
                           shortened(name)),
               name.starts_with("llama-") ? "install llama.cpp's programs, or name one after `--`"
                                          : "check its name, or give its path after `--`");
}

}  // namespace sweetspot::engine
