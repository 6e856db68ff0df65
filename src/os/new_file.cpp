#include "os/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace sweetspot::os {
namespace {

// Says whose it is, and never grows with the target's name, which may be as long as names can be.
std::string temporary_name(const std::string& folder) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}/.sweetspot-{}-{}.tmp", folder, ::getpid(), counter++);
}

int open_nameless([[maybe_unused]] const std::string& folder, [[maybe_unused]] mode_t mode) {
#ifdef O_TMPFILE
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
#else
  return -1;
#endif
}

int open_named(const std::string& path, mode_t mode) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
}

bool give_name(int fd, const std::string& name) {
  const std::string source = fmt::format("/proc/self/fd/{}", fd);
  return ::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

int sync(int fd, const FileCalls& calls) {
  while (calls.sync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

}  // namespace

const FileCalls& system_file_calls() {
  static const FileCalls kCalls = {::write, ::fsync, ::close, ::rename};
  return kCalls;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int write_all(int fd, std::span<const std::byte> bytes, const FileCalls& calls) {
  while (!bytes.empty()) {
    const ssize_t written = calls.write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;  // a write that makes no progress would loop for ever
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

// EINTR leaves the descriptor closed on Linux.
int close_written(Descriptor& file, const FileCalls& calls) {
  if (calls.close(file.release()) == 0 || errno == EINTR) return 0;
  return errno;
}

tl::expected<NewFile, int> NewFile::create(const std::string& path, Unfinished unfinished,
                                           mode_t mode, const FileCalls& calls) {
  const std::string folder = folder_of(path);
  if (unfinished == Unfinished::nameless) {
    Descriptor file(open_nameless(folder, mode));
    if (file) return NewFile(std::move(file), path, temporary_name(folder), false, calls);
  }
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    std::string temporary = temporary_name(folder);
    Descriptor file(open_named(temporary, mode));
    if (file) return NewFile(std::move(file), path, std::move(temporary), true, calls);
    if (errno != EEXIST && errno != EINTR) return tl::unexpected(errno);
  }
  return tl::unexpected(EEXIST);
}

NewFile::NewFile(Descriptor file, std::string path, std::string temporary, bool named,
                 const FileCalls& calls)
    : file_(std::move(file)),
      path_(std::move(path)),
      temporary_(std::move(temporary)),
      named_(named),
      calls_(&calls) {}

NewFile::NewFile(NewFile&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      named_(std::exchange(other.named_, false)),
      calls_(other.calls_) {}

NewFile::~NewFile() {
  if (named_) ::unlink(temporary_.c_str());
}

int NewFile::reserve([[maybe_unused]] std::uint64_t bytes) const {
#ifdef __linux__
  if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0 &&
      (errno == ENOSPC || errno == EFBIG || errno == EDQUOT)) {
    return errno;
  }
#endif
  return 0;
}

int NewFile::write(std::span<const std::byte> bytes) const {
  return write_all(file_.get(), bytes, *calls_);
}

int NewFile::commit() {
  if (const int problem = sync(file_.get(), *calls_); problem != 0) return problem;
  if (!named_) {
    if (!give_name(file_.get(), temporary_)) return errno;
    named_ = true;
  }
  if (const int problem = close_written(file_, *calls_); problem != 0) return problem;
  if (calls_->rename(temporary_.c_str(), path_.c_str()) != 0) return errno;
  named_ = false;
  return 0;
}

int NewFile::sync_name() const {
  const Descriptor folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return 0;
  const int problem = sync(folder.get(), *calls_);
  return problem == EINVAL || problem == ENOTSUP || problem == EROFS ? 0 : problem;
}

}  // namespace sweetspot::os
