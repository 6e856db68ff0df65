#include "process/output_tail.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "process/standard_stream.hpp"

namespace sweetspot::process {

struct OutputTail::State {
  int fd = -1;  // of the pipe; closed early, by the drain, where the copy cannot be written
  int stop_fd = -1;
  int copy_to = -1;
  std::size_t kept_bytes = kTailBytes;
  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::string kept;         // guarded by mutex; up to twice kept_bytes, so that trimming is rare
  std::uint64_t total = 0;  // guarded by mutex
  std::uint64_t taken = 0;  // guarded by mutex; read from the pipe, and soon among `total`
  bool ended = false;       // guarded by mutex
  std::thread drain;

  ~State() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(stop_fd, &one, sizeof one);
    if (drain.joinable()) drain.join();
    if (fd >= 0) close(fd);
    close(stop_fd);
  }

  // Read and counted under one lock, so that no byte is out of the pipe and not yet in a count. It
  // does not block: poll() saw bytes, and nobody else reads them.
  [[nodiscard]] ssize_t take(char* bytes, std::size_t size) {
    const std::lock_guard lock(mutex);
    const ssize_t count = read(fd, bytes, size);
    if (count > 0) taken += static_cast<std::uint64_t>(count);
    return count;
  }

  void keep(const char* bytes, std::size_t count) {
    const std::lock_guard lock(mutex);
    kept.append(bytes, count);
    total += count;
    if (kept.size() > 2 * kept_bytes) kept.erase(0, kept.size() - kept_bytes);
    changed.notify_all();
  }

  // False where nobody reads it any more, or where it was told to stop.
  [[nodiscard]] bool copy(const char* bytes, std::size_t count) const {
    if (copy_to < 0) return true;
    const int problem = write_all(copy_to, {bytes, count}, {std::nullopt, stop_fd});
    return problem != EPIPE && problem != ECANCELED;
  }

  void finish(bool broken) {
    const std::lock_guard lock(mutex);
    if (broken) {
      close(fd);
      fd = -1;
    }
    ended = true;
    changed.notify_all();
  }

  // Until the pipe's end or until told to stop: a descendant that escaped may hold the pipe for
  // ever.
  void run() {
    std::array<char, 4096> bytes{};
    std::array<pollfd, 2> waits = {pollfd{fd, POLLIN, 0}, pollfd{stop_fd, POLLIN, 0}};
    bool copied = true;
    while (copied) {
      if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) break;
      if (waits[1].revents != 0) break;
      if (waits[0].revents == 0) continue;
      const ssize_t count = take(bytes.data(), bytes.size());
      if (count > 0) {
        copied = copy(bytes.data(), static_cast<std::size_t>(count));
        keep(bytes.data(), static_cast<std::size_t>(count));
      }
      if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) break;
    }
    finish(!copied);
  }
};

OutputTail::OutputTail(int fd, int copy_to, std::size_t kept_bytes)
    : state_(std::make_unique<State>()) {
  state_->kept_bytes = kept_bytes;
  state_->fd = fd;
  state_->copy_to = copy_to;
  state_->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  state_->drain = std::thread([state = state_.get()] { state->run(); });
}

OutputTail::~OutputTail() = default;
OutputTail::OutputTail(OutputTail&&) noexcept = default;
OutputTail& OutputTail::operator=(OutputTail&&) noexcept = default;

std::string OutputTail::text(std::uint64_t offset) const {
  const std::lock_guard lock(state_->mutex);
  const std::uint64_t after = offset < state_->total ? state_->total - offset : 0;
  const std::size_t count =
      std::min<std::uint64_t>({after, state_->kept.size(), state_->kept_bytes});
  return state_->kept.substr(state_->kept.size() - count);
}

std::uint64_t OutputTail::total_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->total;
}

void OutputTail::settle(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(state_->mutex);
  int pending = 0;
  if (state_->fd < 0 || ioctl(state_->fd, FIONREAD, &pending) != 0) pending = 0;
  const std::uint64_t wanted = state_->taken + static_cast<std::uint64_t>(std::max(pending, 0));
  state_->changed.wait_for(lock, timeout, [&] { return state_->ended || state_->total >= wanted; });
}

bool OutputTail::wait_end(std::chrono::milliseconds timeout) const {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, timeout, [&] { return state_->ended; });
}

}  // namespace sweetspot::process
