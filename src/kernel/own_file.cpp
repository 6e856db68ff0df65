#include "kernel/own_file.hpp"

#include <charconv>
#include <filesystem>

#include "ground/pieces.hpp"

namespace sweetspot::kernel {
namespace {

// "7f0c12-7f0c34 r-xp ..." covers its first address and not its second one.
bool covers(std::string_view line, std::uint64_t address) {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  const char* const last = line.data() + line.size();
  const auto left = std::from_chars(line.data(), last, first, 16);
  if (left.ec != std::errc() || left.ptr == last || *left.ptr != '-') return false;
  const auto right = std::from_chars(left.ptr + 1, last, end, 16);
  return right.ec == std::errc() && first <= address && address < end;
}

}  // namespace

std::string file_at(std::string_view maps, std::uint64_t address) {
  for (const std::string_view line : lines_of(maps)) {
    if (!covers(line, address)) continue;
    // Only numbers stand before the path, and none of them holds a slash.
    const std::size_t slash = line.find('/');
    return slash == std::string_view::npos ? std::string() : std::string(line.substr(slash));
  }
  return {};
}

std::string own_folder(const FileTree& tree) {
  const Reading<std::string> maps = tree.text("/proc/self/maps");
  if (!maps) return {};
  const auto address = reinterpret_cast<std::uintptr_t>(&own_folder);
  return std::filesystem::path(file_at(*maps, address)).parent_path().string();
}

}  // namespace sweetspot::kernel
