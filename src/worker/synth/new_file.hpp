// The file that a model is written to; the errors are sentences.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "os/new_file.hpp"

namespace sweetspot::worker {

/// As os::NewFile. Models are large: where the file system allows it, the unfinished file has no
/// name, so that not even a killed process leaves one behind. Errors name the path and the system's
/// reason.
class NewFile {
 public:
  using Status = tl::expected<void, std::string>;

  static tl::expected<NewFile, std::string> create(const std::string& path);

  /// Says early that the disk is too small, where the file system can tell.
  Status reserve(std::uint64_t bytes);
  Status write(std::span<const std::uint8_t> bytes);
  /// Makes the file durable and gives it its name, replacing what was there.
  Status commit();

 private:
  NewFile(os::NewFile file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  [[nodiscard]] Status said(int problem) const;

  os::NewFile file_;
  std::string path_;
};

}  // namespace sweetspot::worker
