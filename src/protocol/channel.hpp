// Lines over descriptors: bounded, with timeouts, and never blocking for longer than asked.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "protocol/messages.hpp"

namespace sweetspot::protocol {

enum class ReadStatus {
  line,
  timeout,
  woken,     ///< the other descriptor became readable
  closed,    ///< the other side closed; an unfinished line is dropped
  too_long,  ///< more than the limit without a newline; nothing can be read any more
};

struct ReadResult {
  ReadStatus status = ReadStatus::timeout;
  std::string line;  ///< without the newline
};

/// Cuts what arrives on a descriptor into lines. Does not own the descriptor. Not thread safe.
class LineReader {
 public:
  explicit LineReader(int fd, std::size_t max_line_bytes = kMaxLineBytes);

  /// The next line, waiting at most `timeout` (negative = for ever) and ending early when `wake_fd`
  /// (-1 = none) is readable. Lines that are here already come first.
  ReadResult read_line(std::chrono::milliseconds timeout, int wake_fd = -1);

 private:
  bool take_line(std::string& line);

  int fd_;
  std::size_t max_line_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;    ///< first byte not handed out
  std::size_t scanned_ = 0;  ///< no newline in [begin_, scanned_)
  bool closed_ = false;
};

/// Writes `line` and a newline, however many writes that takes. Errors are of kind internal: the
/// other side is gone (EPIPE; SIGPIPE must be ignored), or did not read within `timeout` (negative
/// = for ever; only kept to on a non-blocking descriptor).
Status write_line(int fd, std::string_view line,
                  std::chrono::milliseconds timeout = std::chrono::milliseconds(-1));

}  // namespace sweetspot::protocol
