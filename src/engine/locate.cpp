#include "engine/locate.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "process/tree.hpp"

namespace sweetspot::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgramName = "sweetspot-worker";

bool is_program(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> find_in_path(std::string_view path) {
  while (!path.empty()) {
    const std::size_t colon = path.find(':');
    const fs::path candidate = fs::path(path.substr(0, colon)) / kProgramName;
    // A relative entry would let the current folder decide what we run.
    if (candidate.is_absolute() && is_program(candidate)) return candidate.string();
    if (colon == std::string_view::npos) break;
    path.remove_prefix(colon + 1);
  }
  return std::nullopt;
}

}  // namespace

SearchPlaces default_places() {
  std::error_code problem;
  const fs::path own = fs::read_symlink("/proc/self/exe", problem);
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  return {problem ? std::string() : own.parent_path().string(), path == nullptr ? "" : path};
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
  if (!places.own_directory.empty()) {
    const fs::path beside = fs::path(places.own_directory) / kProgramName;
    if (is_program(beside)) return WorkerProgram{beside.string()};
  }
  if (const auto found = find_in_path(places.path)) return WorkerProgram{*found};
  if (places.own_directory.empty()) return tl::unexpected(process::no_proc());
  return error(
      ErrorKind::internal,
      "the program sweetspot-worker is missing: it is neither beside sweetspot nor in PATH",
      "build it with `make`, or install sweetspot again");
}

}  // namespace sweetspot::engine
