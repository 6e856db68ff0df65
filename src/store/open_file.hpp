// A file opened for reading. Internal to this room.
#pragma once

#include <cstdint>
#include <string>

namespace sweetspot::store {

/// Never waits: a FIFO would wait for a writer. Without a descriptor (get() < 0) errno says why.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  [[nodiscard]] int get() const { return fd_; }

  /// Fills `bytes` from `offset` on. False with errno set; shorter only where the file ends.
  bool read_at(std::uint64_t offset, std::string& bytes) const;

 private:
  int fd_;
};

}  // namespace sweetspot::store
