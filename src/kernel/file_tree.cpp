#include "kernel/file_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace sweetspot::kernel {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{4} << 20U;

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string trimmed(std::string text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const auto end = text.find_last_not_of(std::string(kSpace) + '\0');
  text.erase(end == std::string::npos ? 0 : end + 1);
  const auto begin = text.find_first_not_of(kSpace);
  return begin == std::string::npos ? std::string() : text.substr(begin);
}

// The few words that say more than strerror does in this place.
std::string describe(int error) {
  switch (error) {
    case ENOENT:
      return "this kernel does not offer it";
    case ENOTSUP:
      return "not supported on this device";
    case EBUSY:
      return "the device is busy";
    case EPERM:
    case EACCES:
      return "not permitted";
    default:
      return std::generic_category().message(error);
  }
}

}  // namespace

tl::expected<std::string, int> read_small_file(const std::string& path) {
  // read(2) instead of a stream: a stream loses the errno that tells "not supported" from "busy".
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return tl::unexpected<int>(errno);
  std::string content;
  std::array<char, 4096> buffer{};
  int failure = 0;
  while (content.size() < kMaxBytes) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure = errno;
    if (got <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  if (failure != 0) return tl::unexpected<int>(failure);
  return content;
}

std::vector<std::string> list_folder(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string FileTree::path(std::string_view absolute) const { return root + std::string(absolute); }

Reading<std::string> FileTree::text(const std::string& absolute) const {
  const auto content = read(path(absolute));
  if (!content) {
    return Absence{fmt::format("{}: {}", last_part(absolute), describe(content.error()))};
  }
  std::string value = trimmed(*content);
  if (value.empty()) return Absence{fmt::format("{}: empty", last_part(absolute))};
  return value;
}

Reading<std::uint64_t> FileTree::number(const std::string& absolute) const {
  const Reading<std::string> content = text(absolute);
  if (!content) return Absence{content.reason()};
  std::uint64_t value = 0;
  const char* const end = content->data() + content->size();
  const auto parsed = std::from_chars(content->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    return Absence{fmt::format("{}: not a number", last_part(absolute))};
  }
  return value;
}

std::vector<std::string> FileTree::folder(const std::string& absolute) const {
  return list_folder(path(absolute));
}

FileTree default_tree() {
  FileTree tree;
  if (const char* const root = std::getenv("SWEETSPOT_SYSFS_ROOT")) tree.root = root;
  return tree;
}

}  // namespace sweetspot::kernel
