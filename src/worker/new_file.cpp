#include "worker/new_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace sweetspot::worker {
namespace {

constexpr mode_t kMode = 0644;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int open_nameless([[maybe_unused]] const std::string& folder) {
#ifdef O_TMPFILE
  return ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode);
#else
  return -1;
#endif
}

bool give_name(int fd, const std::string& name) {
  const std::string source = fmt::format("/proc/self/fd/{}", fd);
  return ::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

tl::expected<NewFile, std::string> NewFile::create(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return tl::unexpected(
        fmt::format("cannot write {}: it exists and is not a regular file", path));
  }
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  int fd = open_nameless(folder_of(path));
  const bool named = fd < 0;
  if (named) fd = ::open(temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode);
  if (fd < 0) return tl::unexpected(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  return NewFile(fd, path, temporary, named);
}

NewFile::NewFile(NewFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      named_(std::exchange(other.named_, false)) {}

NewFile::~NewFile() {
  if (fd_ >= 0) ::close(fd_);
  if (named_) ::unlink(temporary_.c_str());
}

tl::unexpected<std::string> NewFile::failure(int number) const {
  return tl::unexpected(fmt::format("cannot write {}: {}", path_, std::strerror(number)));
}

NewFile::Status NewFile::reserve([[maybe_unused]] std::uint64_t bytes) {
#ifdef __linux__
  if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) != 0 &&
      (errno == ENOSPC || errno == EFBIG || errno == EDQUOT)) {
    return failure(errno);
  }
#endif
  return {};
}

NewFile::Status NewFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return failure(errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

NewFile::Status NewFile::commit() {
  if (::fsync(fd_) != 0) return failure(errno);
  if (!named_) {
    if (!give_name(fd_, temporary_)) return failure(errno);
    named_ = true;
  }
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return failure(errno);
  named_ = false;
  sync_folder(folder_of(path_));
  return {};
}

}  // namespace sweetspot::worker
