// This program's own stdout and stderr: the one place that writes to them.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "process/cancel.hpp"

namespace sweetspot::process {

/// How long a write may wait for its reader.
struct WritePatience {
  std::optional<std::chrono::milliseconds> longest;  ///< empty = as long as it takes
  int stop_fd = -1;                                  ///< readable = stop; -1 = nobody says so
  std::chrono::milliseconds after_stop{0};           ///< how much longer it may take then
};

/// Writes all of `bytes`. 0, or the errno of what kept it from that: ETIMEDOUT where nobody took
/// them in time, ECANCELED where it was told to stop. Never throws; blocks only in poll(), as long
/// as nobody else fills the same pipe.
int write_all(int fd, std::string_view bytes, const WritePatience& patience) noexcept;

/// Opens what the caller closed of descriptors 0 to 2 on /dev/null, so that no file and no pipe of
/// ours gets their numbers. Writing there fails (EBADF). Call it first in main().
void open_standard_descriptors() noexcept;

/// Not thread safe.
class StandardStream {
 public:
  enum class Use {
    results,      ///< what was asked for: it waits for its reader, until it is cancelled
    diagnostics,  ///< what is said besides: dropped where nobody takes it
  };

  /// `cancel` may be null, else it must outlive the stream.
  StandardStream(int fd, Use use, const CancelToken* cancel)
      : fd_(fd), use_(use), cancel_(cancel) {}

  /// Never throws. After a part of the result could not be written nothing more is written, so that
  /// what is there is an unbroken beginning.
  void write(std::string_view text) noexcept;

  /// errno of the first write that failed; 0 while none did.
  [[nodiscard]] int problem() const { return problem_; }

 private:
  [[nodiscard]] WritePatience patience() const;

  int fd_;
  Use use_;
  const CancelToken* cancel_;
  int problem_ = 0;
  bool stuck_ = false;  // the last diagnostic was not taken in time
};

}  // namespace sweetspot::process
