#include "store/kept_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "os/read_file.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

KeptText unreadable(int code) {
  return {KeptState::unreadable, {}, std::generic_category().message(code)};
}

// The process that a temporary file belongs to, of ".sweetspot-<pid>-<n>.tmp"; 0 = it is none.
pid_t owner_of(std::string_view name) {
  constexpr std::string_view kPrefix = ".sweetspot-";
  if (!name.starts_with(kPrefix) || !name.ends_with(".tmp")) return 0;
  pid_t pid = 0;
  const auto [end, code] =
      std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), pid);
  return code == std::errc{} && *end == '-' && pid > 0 ? pid : 0;
}

void remove_left_behind(const std::string& folder) {
  std::error_code failure;
  std::filesystem::directory_iterator entry(folder, failure);
  while (!failure && entry != std::filesystem::directory_iterator()) {
    const pid_t pid = owner_of(entry->path().filename().string());
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) ::unlink(entry->path().c_str());
    entry.increment(failure);
  }
}

}  // namespace

KeptText read_kept(const std::string& path, std::size_t most_bytes) {
  const os::Descriptor file = os::open_to_read(path);
  if (!file) {
    return errno == ENOENT || errno == ENOTDIR ? KeptText{} : unreadable(errno);
  }
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return unreadable(errno);
  if (!S_ISREG(info.st_mode)) return {KeptState::unreadable, {}, "it is not a file"};
  if (static_cast<std::uint64_t>(info.st_size) > most_bytes) {
    return {KeptState::damaged, {}, "it is too large"};
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const auto read = os::read_at(file, 0, std::as_writable_bytes(std::span(text)));
  if (read < 0) return unreadable(errno);
  text.resize(static_cast<std::size_t>(read));
  return {KeptState::whole, std::move(text), {}};
}

KeptState state_of_schema(std::string_view schema, std::string_view current) {
  if (schema == current) return KeptState::whole;
  const std::string_view family = current.substr(0, current.rfind('/') + 1);
  if (!schema.starts_with(family)) return KeptState::damaged;
  const std::string_view version = schema.substr(family.size());
  return version.empty() || version == "0" ? KeptState::damaged : KeptState::newer;
}

Status write_kept(const std::string& path, std::string_view text, const FileCalls& calls) {
  remove_left_behind(os::folder_of(path));
  const Status written = write_atomically(path, text, calls);
  if (written) return {};
  return error(written.error().kind, written.error().message,
               "make room there, or set XDG_DATA_HOME to a folder that can be written");
}

}  // namespace sweetspot::store
