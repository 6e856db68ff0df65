// A regular file read from its beginning on, with a look at what is left before each step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/model_info.hpp"
#include "gguf/problem.hpp"
#include "os/descriptor.hpp"

namespace sweetspot::gguf {

/// Numbers are little-endian, as in every GGUF file that is read here. Move only.
class FileBytes {
 public:
  /// `limit_bytes`: nothing is read beyond it, and a file that goes on counts as ended there.
  static Read<FileBytes> open(const std::string& path, std::uint64_t limit_bytes);

  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }
  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t left() const { return end_ - position_; }

  /// The next sizeof(T) bytes; nothing where the file ends before.
  template <typename T>
  std::optional<T> number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    if (!take(&value, sizeof(value))) return std::nullopt;
    return value;
  }

  /// The next `bytes`; nothing where the file ends before.
  std::optional<std::string> text(std::uint64_t bytes);

  /// False where the file ends before.
  bool skip(std::uint64_t bytes);

  /// FNV-1a, 64 bits, over the first `bytes` of the file, then over its size, going on from `hash`.
  [[nodiscard]] std::uint64_t hash(std::uint64_t hash, std::uint64_t bytes) const;

 private:
  FileBytes(os::Descriptor file, FileStamp stamp, std::uint64_t end)
      : file_(std::move(file)), stamp_(std::move(stamp)), end_(end) {}

  bool take(void* to, std::uint64_t bytes);

  os::Descriptor file_;
  FileStamp stamp_;
  std::uint64_t end_ = 0;
  std::uint64_t position_ = 0;
  std::vector<std::byte> piece_;  ///< what was read last
  std::uint64_t piece_begin_ = 0;
};

}  // namespace sweetspot::gguf
