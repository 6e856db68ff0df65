#include "kernel/file_tree.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "ground/bytes.hpp"
#include "ground/pieces.hpp"
#include "os/read_file.hpp"

namespace sweetspot::kernel {
namespace {

constexpr std::size_t kMaxBytes = 4 * kMiB;

std::string_view last_part(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// Some attributes end in a zero byte.
constexpr std::string_view kBlanksAndZero{" \t\r\n\0", 5};

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
  const os::Descriptor file = os::open_to_read(path);
  if (!file) return tl::unexpected<int>(errno);
  std::string content;
  std::array<char, 4096> buffer{};
  int failure = 0;
  while (content.size() < kMaxBytes) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) failure = errno;
    if (got <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
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
  std::string value(trimmed(*content, kBlanksAndZero));
  if (value.empty()) return Absence{fmt::format("{}: empty", last_part(absolute))};
  return value;
}

Reading<std::uint64_t> FileTree::number(const std::string& absolute) const {
  const Reading<std::string> content = text(absolute);
  if (!content) return Absence{content.reason()};
  const auto value = number_of(*content);
  if (!value) {
    return Absence{fmt::format("{}: not a number", last_part(absolute))};
  }
  return *value;
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
