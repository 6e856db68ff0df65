#include "store/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "core/text.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

constexpr std::chrono::milliseconds kPoll{5};
}  // namespace

Result<FolderLock> FolderLock::take(const std::string& folder, std::chrono::milliseconds patience) {
  const std::string path = folder + "/.sweetspot.lock";
  os::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file) {
    return error(ErrorKind::output,
                 fmt::format("cannot write into {}: {}", shown(folder),
                             std::generic_category().message(errno)),
                 "check the folder and its permissions");
  }
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    // Where the file system has no locks the file is written all the same: there is rarely a second
    // writer.
    if (errno == ENOLCK || errno == ENOTSUP || errno == ENOSYS) break;
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return error(ErrorKind::output, fmt::format("cannot lock {}: {}", shown(folder),
                                                  std::generic_category().message(errno)));
    }
    if (std::chrono::steady_clock::now() >= end) {
      return error(
          ErrorKind::output,
          fmt::format("another process has been writing into {} for too long", shown(folder)),
          "try again");
    }
    std::this_thread::sleep_for(kPoll);
  }
  return FolderLock(std::move(file));
}

}  // namespace sweetspot::store
