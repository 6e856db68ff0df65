#include "store/durable_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
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
  std::string folder;
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
  target.folder = folder_of(target.path);
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

// A file descriptor that is open until close() is asked for or it goes out of scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// A file beside the target that is removed unless it took the target's place.
class TemporaryFile {
 public:
  TemporaryFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
  TemporaryFile(TemporaryFile&& other) noexcept
      : descriptor_(std::move(other.descriptor_)), path_(std::exchange(other.path_, {})) {}
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  TemporaryFile& operator=(TemporaryFile&&) = delete;
  ~TemporaryFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  Descriptor& descriptor() { return descriptor_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  void keep() { path_.clear(); }

 private:
  Descriptor descriptor_;
  std::string path_;
};

// The name says whose it is and never grows with the target's, which may be as long as names can
// be. The mode lets the umask decide, as for a file made in place.
Result<TemporaryFile> make_temporary(const Target& target, const std::string& asked) {
  static std::atomic<unsigned> counter{0};
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    std::string path = fmt::format("{}/.sweetspot-{}-{}.tmp", target.folder, ::getpid(), counter++);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd >= 0) return TemporaryFile(Descriptor(fd), std::move(path));
    if (errno == ENOENT && ::access(target.folder.c_str(), F_OK) != 0) {
      return error(ErrorKind::output,
                   fmt::format("cannot write {}: the folder {} does not exist", shown(asked),
                               shown(target.folder)),
                   "make the folder or give another file with -o FILE");
    }
    if (errno != EEXIST && errno != EINTR) return cannot_write(asked, errno);
  }
  return cannot_write(asked, EEXIST);
}

// 0 or an errno.
int write_all(const Descriptor& file, std::string_view text, const FileCalls& calls) {
  while (!text.empty()) {
    const ssize_t written = calls.write(file.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;  // a write that makes no progress would loop for ever
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

int sync(const Descriptor& file, const FileCalls& calls) {
  while (calls.sync(file.get()) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// Network file systems report a full disk only here. EINTR leaves the descriptor closed on Linux.
int close(Descriptor& file, const FileCalls& calls) {
  if (calls.close(file.release()) == 0 || errno == EINTR) return 0;
  return errno;
}

// Makes the new name durable. File systems that cannot sync a folder, or folders that may be
// written but not listed, are no reason to call the file unwritten.
int sync_folder(const std::string& folder, const FileCalls& calls) {
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return 0;
  const int code = sync(directory, calls);
  return code == EINVAL || code == ENOTSUP || code == EROFS ? 0 : code;
}

Status write_device(const Target& target, const std::string& asked, std::string_view text,
                    const FileCalls& calls) {
  Descriptor file(::open(target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW));
  if (file.get() < 0) return cannot_write(asked, errno);
  if (const int code = write_all(file, text, calls); code != 0) return cannot_write(asked, code);
  if (const int code = close(file, calls); code != 0) return cannot_write(asked, code);
  return {};
}

Status replace_file(const Target& target, const std::string& asked, std::string_view text,
                    const FileCalls& calls) {
  Result<TemporaryFile> temporary = make_temporary(target, asked);
  if (!temporary) return tl::unexpected(temporary.error());
  Descriptor& file = temporary->descriptor();
  // Best effort: a file system without permissions still takes the text.
  if (target.mode != 0 && ::fchmod(file.get(), target.mode) != 0) errno = 0;
  int code = write_all(file, text, calls);
  if (code == 0) code = sync(file, calls);
  if (code == 0) code = close(file, calls);
  if (code == 0 && calls.rename(temporary->path().c_str(), target.path.c_str()) != 0) code = errno;
  if (code != 0) return cannot_write(asked, code);
  temporary->keep();
  if (const int unsafe = sync_folder(target.folder, calls); unsafe != 0) {
    return error(ErrorKind::output,
                 fmt::format("{} is written but may not survive a power loss: {}", shown(asked),
                             reason_of(unsafe)),
                 "check the disk");
  }
  return {};
}

}  // namespace

const FileCalls& system_file_calls() {
  static const FileCalls kCalls = {::write, ::fsync, ::close, ::rename};
  return kCalls;
}

Status check_writable(const std::string& path) {
  const Result<Target> target = resolve(path);
  if (!target) return tl::unexpected(target.error());
  if (target->kind == TargetKind::device) return {};
  const Result<TemporaryFile> temporary = make_temporary(*target, path);
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
