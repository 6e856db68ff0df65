#include "store/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "store/followed_path.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

std::string_view remedy_for(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return "free some space or write to another disk with -o FILE";
    case EROFS:
    case EACCES:
    case EPERM:
      return "give a file in a folder you may write to with -o FILE";
    case ENOENT:
    case ENOTDIR:
      return "make the folder or give another file with -o FILE";
    default:
      return "give another file with -o FILE";
  }
}

std::string reason_of(int code) {
  std::string text = std::generic_category().message(code);
  switch (code) {
    case ENOSPC:
      return "the disk is full (" + text + ")";
    case EDQUOT:
      return "the disk quota is used up (" + text + ")";
    case EFBIG:
      return "the file would be larger than is allowed here (" + text + ")";
    case EROFS:
      return "the disk is read-only (" + text + ")";
    default:
      return text;
  }
}

tl::unexpected<Error> cannot_write(const std::string& path, int code) {
  return error(ErrorKind::output, fmt::format("cannot write {}: {}", shown(path), reason_of(code)),
               std::string(remedy_for(code)));
}

// Where the text really goes: rename() onto a symbolic link would replace the link.
Result<std::string> follow_links(const std::string& path) {
  const Followed followed = follow(path);
  if (followed.foreign_link.empty()) return followed.path.empty() ? path : followed.path;
  return error(ErrorKind::output,
               fmt::format("cannot write {}: {} is another user's symbolic link in a folder that "
                           "everybody may write to",
                           shown(path), shown(followed.foreign_link)),
               "remove it or give another file with -o FILE");
}

enum class TargetKind { replaceable, device };

struct Target {
  std::string path;
  TargetKind kind = TargetKind::replaceable;
  mode_t mode = 0;  // of the file that is there, 0 = none
};

// Decides what `asked` means, and refuses what must not be replaced.
Result<Target> resolve(const std::string& asked) {
  if (asked.empty()) {
    return error(ErrorKind::output, "the name of the output file is empty",
                 "give one with -o FILE");
  }
  if (asked.find('\0') != std::string::npos) return cannot_write(asked, EINVAL);
  const Result<std::string> followed = follow_links(asked);
  if (!followed) return tl::unexpected(followed.error());
  Target target;
  target.path = *followed;
  struct stat info = {};
  if (::stat(target.path.c_str(), &info) != 0) {
    // A path that ends in a slash names a folder, and a missing one cannot be written.
    if (asked.back() == '/') return cannot_write(asked, EISDIR);
    if (errno != ENOENT && errno != EACCES) return cannot_write(asked, errno);
    return target;
  }
  if (S_ISCHR(info.st_mode)) {
    target.kind = TargetKind::device;
  } else if (!S_ISREG(info.st_mode)) {
    return cannot_write(asked, S_ISDIR(info.st_mode) ? EISDIR : EINVAL);
  }
  // rename() would replace a file that its owner has made read-only.
  if (::access(target.path.c_str(), W_OK) != 0) return cannot_write(asked, errno);
  target.mode = info.st_mode & 07777U;
  return target;
}

// A file beside the target that takes its place when it is committed. The mode lets the umask
// decide, as for a file made in place.
Result<os::NewFile> make_temporary(const Target& target, const std::string& asked,
                                   const FileCalls& calls) {
  constexpr mode_t kMode = 0666;
  auto made = os::NewFile::create(target.path, os::Unfinished::named, kMode, calls);
  if (made) return std::move(*made);
  const std::string folder = os::folder_of(target.path);
  if (made.error() == ENOENT && ::access(folder.c_str(), F_OK) != 0) {
    return error(
        ErrorKind::output,
        fmt::format("cannot write {}: the folder {} does not exist", shown(asked), shown(folder)),
        "make the folder or give another file with -o FILE");
  }
  return cannot_write(asked, made.error());
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Status write_device(const Target& target, const std::string& asked, std::string_view text,
                    const FileCalls& calls) {
  os::Descriptor file(::open(target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW));
  if (!file) return cannot_write(asked, errno);
  int code = os::write_all(file.get(), bytes_of(text), calls);
  if (code == 0) code = os::close_written(file, calls);
  if (code != 0) return cannot_write(asked, code);
  return {};
}

Status replace_file(const Target& target, const std::string& asked, std::string_view text,
                    const FileCalls& calls) {
  Result<os::NewFile> file = make_temporary(target, asked, calls);
  if (!file) return tl::unexpected(file.error());
  // Best effort: a file system without permissions still takes the text.
  if (target.mode != 0 && ::fchmod(file->get(), target.mode) != 0) errno = 0;
  int code = file->write(bytes_of(text));
  if (code == 0) code = file->commit();
  if (code != 0) return cannot_write(asked, code);
  if (const int unsafe = file->sync_name(); unsafe != 0) {
    return error(ErrorKind::output,
                 fmt::format("{} is written but may not survive a power loss: {}", shown(asked),
                             reason_of(unsafe)),
                 "check the disk");
  }
  return {};
}

}  // namespace

Status make_folder(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (!failure) return {};
  return error(ErrorKind::output,
               fmt::format("cannot make the folder {}: {}", shown(folder), failure.message()),
               "check the folder and its permissions");
}

Status check_writable(const std::string& path) {
  const Result<Target> target = resolve(path);
  if (!target) return tl::unexpected(target.error());
  if (target->kind == TargetKind::device) return {};
  const auto temporary = make_temporary(*target, path, system_file_calls());
  if (!temporary) return tl::unexpected(temporary.error());
  return {};
}

Status write_atomically(const std::string& path, std::string_view text, const FileCalls& calls) {
  const Result<Target> target = resolve(path);
  if (!target) return tl::unexpected(target.error());
  if (target->kind == TargetKind::device) return write_device(*target, path, text, calls);
  return replace_file(*target, path, text, calls);
}

}  // namespace sweetspot::store
