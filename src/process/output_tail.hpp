// The last bytes a child's libraries printed, drained by a thread so that the child never blocks on
// us.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace sweetspot::process {

inline constexpr std::size_t kTailBytes = std::size_t{16} << 10U;

/// Reads a pipe until its end and keeps the last bytes. Thread safe.
class OutputTail {
 public:
  /// Takes over `fd`, the pipe's read end. What is read is also written to `copy_to`, before it
  /// counts as read; -1 = nowhere. Once nobody reads that any more the pipe is closed, so that the
  /// program learns of it as if it had written there itself. Where it cannot be written for another
  /// reason, a full disk, what is read is dropped: the program goes on.
  explicit OutputTail(int fd, int copy_to = -1, std::size_t kept_bytes = kTailBytes);
  ~OutputTail();
  OutputTail(OutputTail&&) noexcept;
  OutputTail& operator=(OutputTail&&) noexcept;

  /// What is kept of everything printed after the first `offset` bytes. Raw: may hold anything.
  [[nodiscard]] std::string text(std::uint64_t offset = 0) const;

  /// Bytes printed so far.
  [[nodiscard]] std::uint64_t total_bytes() const;

  /// Waits until what was printed before the call has been read, at most `timeout`.
  void settle(std::chrono::milliseconds timeout) const;

  /// Waits until every writer is gone and all is read, at most `timeout`. False where somebody
  /// still holds the pipe.
  [[nodiscard]] bool wait_end(std::chrono::milliseconds timeout) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sweetspot::process
