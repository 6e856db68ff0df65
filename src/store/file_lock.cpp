#include "store/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/text.hpp"
#include "store/paths.hpp"

namespace sweetspot::store {
namespace {

constexpr std::chrono::milliseconds kPoll{5};

using Moment = std::chrono::steady_clock::time_point;

// The threads of this process that want one folder. The kernel's lock is polled and goes to whoever
// looks first: on a busy machine one of many threads would find it taken for longer than it waits.
class Line {
 public:
  // False where it was not this thread's turn by then.
  bool wait(Moment end) {
    std::unique_lock<std::mutex> lock(mutex_);
    const std::uint64_t number = ++last_;
    waiting_.push_back(number);
    if (moved_.wait_until(lock, end, [&] { return waiting_.front() == number; })) return true;
    std::erase(waiting_, number);
    return false;
  }

  void leave() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      waiting_.pop_front();
    }
    moved_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::deque<std::uint64_t> waiting_;  // the first one has its turn
  std::uint64_t last_ = 0;
};

Line& line_for(const std::string& folder) {
  static std::mutex mutex;
  static std::map<std::string, Line> lines;
  const std::lock_guard<std::mutex> lock(mutex);
  return lines[folder];
}

// Nothing where it was not this thread's turn by then.
std::shared_ptr<void> turn_in(Line& line, Moment end) {
  if (!line.wait(end)) return nullptr;
  return {&line, [](void* held) { static_cast<Line*>(held)->leave(); }};
}

tl::unexpected<Error> too_long(const std::string& folder) {
  return error(
      ErrorKind::output,
      fmt::format("another process or thread has been writing into {} for too long", shown(folder)),
      "try again");
}

}  // namespace

Result<FolderLock> FolderLock::take(const std::string& folder, std::chrono::milliseconds patience) {
  const Moment end = std::chrono::steady_clock::now() + patience;
  std::shared_ptr<void> turn = turn_in(line_for(folder), end);
  if (!turn) return too_long(folder);
  const std::string path = folder + "/.sweetspot.lock";
  os::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file) {
    return error(ErrorKind::output,
                 fmt::format("cannot write into {}: {}", shown(folder),
                             std::generic_category().message(errno)),
                 "check the folder and its permissions");
  }
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    // Where the file system has no locks the file is written all the same: there is rarely a second
    // writer.
    if (errno == ENOLCK || errno == ENOTSUP || errno == ENOSYS) break;
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return error(ErrorKind::output, fmt::format("cannot lock {}: {}", shown(folder),
                                                  std::generic_category().message(errno)));
    }
    if (std::chrono::steady_clock::now() >= end) return too_long(folder);
    std::this_thread::sleep_for(kPoll);
  }
  return FolderLock(std::move(turn), std::move(file));
}

}  // namespace sweetspot::store
