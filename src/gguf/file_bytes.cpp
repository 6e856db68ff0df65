#include "gguf/file_bytes.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <span>

#include "os/read_file.hpp"

namespace sweetspot::gguf {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kPieceBytes = std::size_t{1} << 18U;

std::uint64_t fnv1a(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3ULL;
  }
  return hash;
}

FileStamp stamp_of(const std::string& path, const struct stat& info) {
  FileStamp stamp;
  stamp.path = path;
  stamp.size_bytes = static_cast<std::uint64_t>(info.st_size);
  stamp.inode = static_cast<std::uint64_t>(info.st_ino);
#ifdef __APPLE__
  const timespec& changed = info.st_mtimespec;
#else
  const timespec& changed = info.st_mtim;
#endif
  stamp.mtime_ns = std::int64_t{changed.tv_sec} * 1'000'000'000 + changed.tv_nsec;
  return stamp;
}

}  // namespace

Read<FileBytes> FileBytes::open(const std::string& path, std::uint64_t limit_bytes) {
  struct stat info {};
  os::Descriptor file = os::open_to_read(path);
  if (!file || ::fstat(file.get(), &info) != 0) {
    return cannot_open(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  if (S_ISDIR(info.st_mode)) {
    return cannot_open(fmt::format("cannot open {}: it is a directory, not a GGUF file", path));
  }
  if (!S_ISREG(info.st_mode)) {
    return cannot_open(fmt::format("cannot open {}: it is not a regular file", path));
  }
  FileStamp stamp = stamp_of(path, info);
  const std::uint64_t end = std::min(stamp.size_bytes, limit_bytes);
  return FileBytes(std::move(file), std::move(stamp), end);
}

std::optional<std::string> FileBytes::text(std::uint64_t bytes) {
  if (bytes > left()) return std::nullopt;
  std::string text(bytes, '\0');
  if (!take(text.data(), bytes)) return std::nullopt;
  return text;
}

bool FileBytes::skip(std::uint64_t bytes) {
  if (bytes > left()) return false;
  position_ += bytes;
  return true;
}

std::uint64_t FileBytes::hash(std::uint64_t hash, std::uint64_t bytes) const {
  std::vector<std::byte> piece(kPieceBytes);
  for (std::uint64_t at = 0; at < bytes;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes - at, kPieceBytes));
    const auto got = os::read_at(file_, at, std::span(piece).first(wanted));
    if (got <= 0) break;
    hash = fnv1a(hash, std::span(piece).first(static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
  return fnv1a(hash, std::as_bytes(std::span(&stamp_.size_bytes, 1)));
}

bool FileBytes::take(void* to, std::uint64_t bytes) {
  if (bytes > left()) return false;
  auto* target = static_cast<std::byte*>(to);
  while (bytes > 0) {
    const std::uint64_t at = position_ - piece_begin_;
    if (position_ < piece_begin_ || at >= piece_.size()) {
      piece_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left(), kPieceBytes)));
      piece_begin_ = position_;
      const auto got = os::read_at(file_, position_, piece_);
      piece_.resize(static_cast<std::size_t>(std::max<std::ptrdiff_t>(got, 0)));
      if (piece_.empty()) return false;  // it has become shorter, or the disk does not give it
      continue;
    }
    const std::uint64_t count = std::min<std::uint64_t>(bytes, piece_.size() - at);
    std::memcpy(target, piece_.data() + at, count);
    target += count;
    position_ += count;
    bytes -= count;
  }
  return true;
}

}  // namespace sweetspot::gguf
