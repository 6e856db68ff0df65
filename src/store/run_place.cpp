#include "store/run_place.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "os/descriptor.hpp"
#include "store/paths.hpp"
#include "store/run_file.hpp"

namespace sweetspot::store {
namespace {

constexpr std::string_view kExtension = ".json";

tl::unexpected<Error> not_taken(const std::string& path, int problem) {
  return error(
      ErrorKind::output,
      fmt::format("cannot write {}: {}", printable(path), std::generic_category().message(problem)),
      "give a file with -o FILE, or set XDG_DATA_HOME to a folder that can be written");
}

}  // namespace

Result<RunPlace> RunPlace::take(const std::string& folder, std::string_view name) {
  if (name.ends_with(kExtension)) name.remove_suffix(kExtension.size());
  const std::string base = folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
  for (int number = 1;; ++number) {
    std::string path = number == 1 ? fmt::format("{}{}", base, kExtension)
                                   : fmt::format("{}-{}{}", base, number, kExtension);
    constexpr mode_t kMode = 0666;
    const os::Descriptor made(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
    if (made) return RunPlace(std::move(path));
    if (errno != EEXIST) return not_taken(path, errno);
  }
}

RunPlace::RunPlace(std::string path) : path_(std::move(path)) {}

RunPlace::RunPlace(RunPlace&& other) noexcept : path_(std::exchange(other.path_, {})) {}

RunPlace& RunPlace::operator=(RunPlace&& other) noexcept {
  if (this != &other) {
    give_up();
    path_ = std::exchange(other.path_, {});
  }
  return *this;
}

RunPlace::~RunPlace() { give_up(); }

void RunPlace::give_up() const {
  struct stat now {};
  if (path_.empty() || ::stat(path_.c_str(), &now) != 0 || now.st_size > 0) return;
  ::unlink(path_.c_str());
}

Result<RunPlace> place_for_run(const std::string& data_folder, std::string_view model_file_name,
                               std::string_view started_at) {
  const std::string name = run_file_name(model_file_name, started_at);
  if (data_folder.empty()) return RunPlace::take({}, "sweetspot-" + name);
  const std::string folder = runs_folder(data_folder);
  if (const Status made = make_folder(folder); !made) {
    return error(made.error().kind, made.error().message,
                 "give a file with -o FILE, or set XDG_DATA_HOME to a folder that can be written");
  }
  return RunPlace::take(folder, name);
}

}  // namespace sweetspot::store
