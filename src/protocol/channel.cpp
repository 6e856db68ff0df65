#include "protocol/channel.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace sweetspot::protocol {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// What is left until `deadline` for poll(): -1 waits for ever, and a rest under a millisecond is
// not 0.
int poll_timeout(bool forever, Clock::time_point deadline) {
  if (forever) return -1;
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  constexpr long kLongestPoll = 60L * 60 * 1000;
  return static_cast<int>(std::clamp(static_cast<long>(left), 0L, kLongestPoll));
}

std::string sentence(int problem) { return std::generic_category().message(problem); }

}  // namespace

LineReader::LineReader(int fd, std::size_t max_line_bytes)
    : fd_(fd), max_line_bytes_(max_line_bytes) {}

bool LineReader::take_line(std::string& line) {
  const std::size_t end = buffer_.find('\n', scanned_);
  scanned_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (end == std::string::npos || end - begin_ > max_line_bytes_) return false;
  line.assign(buffer_, begin_, end - begin_);
  begin_ = end + 1;
  return true;
}

ReadResult LineReader::read_line(milliseconds timeout, int wake_fd) {
  const bool forever = timeout.count() < 0;
  const auto deadline = Clock::now() + (forever ? milliseconds(0) : timeout);
  ReadResult result;
  std::array<char, 65536> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  for (;;) {
    if (take_line(result.line)) {
      result.status = ReadStatus::line;
      return result;
    }
    if (scanned_ - begin_ > max_line_bytes_) {
      result.status = ReadStatus::too_long;
      return result;
    }
    if (closed_) {
      result.status = ReadStatus::closed;
      return result;
    }
    std::array<pollfd, 2> waits = {pollfd{fd_, POLLIN, 0}, pollfd{wake_fd, POLLIN, 0}};
    const int ready = poll(waits.data(), waits.size(), poll_timeout(forever, deadline));
    if (ready < 0 && errno != EINTR) closed_ = true;
    if (ready > 0 && waits[1].revents != 0) {
      result.status = ReadStatus::woken;
      return result;
    }
    if (ready > 0 && waits[0].revents != 0) {
      const ssize_t count = read(fd_, bytes.data(), bytes.size());
      if (count > 0) {
        buffer_.erase(0, begin_);
        scanned_ -= begin_;
        begin_ = 0;
        buffer_.append(bytes.data(), static_cast<std::size_t>(count));
      } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        closed_ = true;
      }
      continue;
    }
    if (!forever && Clock::now() >= deadline) {
      result.status = ReadStatus::timeout;
      return result;
    }
  }
}

Status write_line(int fd, std::string_view line, milliseconds timeout) {
  std::string text(line);
  text += '\n';
  const bool forever = timeout.count() < 0;
  const auto deadline = Clock::now() + (forever ? milliseconds(0) : timeout);
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(fd, text.data() + written, text.size() - written);
    if (count >= 0) {
      written += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      return error(ErrorKind::internal, "cannot write to the other side: " + sentence(errno));
    }
    pollfd wait = {fd, POLLOUT, 0};
    if (poll(&wait, 1, poll_timeout(forever, deadline)) == 0 && !forever) {
      return error(ErrorKind::internal, "the other side does not read what it is sent");
    }
  }
  return {};
}

}  // namespace sweetspot::protocol
