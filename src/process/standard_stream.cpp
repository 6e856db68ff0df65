#include "process/standard_stream.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

namespace sweetspot::process {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int poll_time(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*deadline - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

// One write's wait for its reader.
class Wait {
 public:
  explicit Wait(const WritePatience& patience) noexcept : patience_(patience) {
    if (patience.longest) deadline_ = Clock::now() + *patience.longest;
  }

  // 0 once `fd` takes something or fails, so that a write does not block.
  int writable(int fd) noexcept {
    for (;;) {
      std::array<pollfd, 2> waits = {pollfd{fd, POLLOUT, 0},
                                     pollfd{stopping_ ? -1 : patience_.stop_fd, POLLIN, 0}};
      const int ready = poll(waits.data(), waits.size(), poll_time(deadline_));
      if (ready < 0 && errno != EINTR) return errno;
      if (ready <= 0 && deadline_ && Clock::now() >= *deadline_) {
        return stopping_ ? ECANCELED : ETIMEDOUT;
      }
      if (ready > 0 && waits[0].revents != 0) return 0;
      if (ready > 0 && waits[1].revents != 0) stop();
    }
  }

 private:
  void stop() noexcept {
    stopping_ = true;
    const auto end = Clock::now() + patience_.after_stop;
    deadline_ = deadline_ ? std::min(*deadline_, end) : end;
  }

  const WritePatience& patience_;
  std::optional<Clock::time_point> deadline_;
  bool stopping_ = false;
};

}  // namespace

int write_all(int fd, std::string_view bytes, const WritePatience& patience) noexcept {
  if (fd < 0) return EBADF;  // poll() would leave it out
  Wait wait(patience);
  while (!bytes.empty()) {
    if (const int problem = wait.writable(fd); problem != 0) return problem;
    // A pipe that poll() calls writable takes this much without blocking (pipe(7)).
    const ssize_t written =
        ::write(fd, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      return errno;
    }
  }
  return 0;
}

void open_standard_descriptors() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // open() gives the lowest free number, which is the missing one. It is opened for reading only,
    // so that writing a result there fails instead of losing the result unnoticed.
    [[maybe_unused]] const int opened = open("/dev/null", O_RDONLY);
  }
}

WritePatience StandardStream::patience() const {
  constexpr milliseconds kAfterCancel{1000};
  constexpr milliseconds kForDiagnostics{1000};
  WritePatience patience;
  if (cancel_ != nullptr) patience.stop_fd = cancel_->fd();
  patience.after_stop = kAfterCancel;
  if (use_ == Use::diagnostics) patience.longest = stuck_ ? milliseconds(0) : kForDiagnostics;
  return patience;
}

void StandardStream::write(std::string_view text) noexcept {
  if (use_ == Use::results && problem_ != 0) return;
  const int problem = write_all(fd_, text, patience());
  stuck_ = problem == ETIMEDOUT || problem == ECANCELED;
  if (problem_ == 0) problem_ = problem;
}

}  // namespace sweetspot::process
