// A file that appears under its name only when it is complete.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>

namespace sweetspot::worker {

/// Writes beside the target and renames at the end. Where the file system allows it, the unfinished
/// file has no name at all, so that not even a killed process leaves one behind. Errors are
/// sentences with the system's reason.
class NewFile {
 public:
  using Status = tl::expected<void, std::string>;

  static tl::expected<NewFile, std::string> create(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  /// Says early that the disk is too small, where the file system can tell.
  Status reserve(std::uint64_t bytes);
  Status write(std::span<const std::uint8_t> bytes);
  /// Makes the file durable and gives it its name, replacing what was there.
  Status commit();

 private:
  NewFile(int fd, std::string path, std::string temporary, bool named)
      : fd_(fd), path_(std::move(path)), temporary_(std::move(temporary)), named_(named) {}

  [[nodiscard]] tl::unexpected<std::string> failure(int number) const;

  int fd_;
  std::string path_;
  std::string temporary_;
  bool named_;  ///< `temporary_` exists
};

}  // namespace sweetspot::worker
