// A file descriptor that closes itself.
#pragma once

#include <utility>

namespace sweetspot::os {

/// Of a file, a socket, a pipe; -1 = none. Move only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

  /// The caller has to close it.
  int release() { return std::exchange(fd_, -1); }

  /// Closes what is held, and holds `fd`. Leaves errno alone.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace sweetspot::os
