#include "servers/stamp.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

#include "os/read_file.hpp"

namespace sweetspot::servers {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFnvStart = 0xcbf29ce484222325U;
constexpr std::uint64_t kFnvPrime = 0x100000001b3U;

std::uint64_t hashed(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * kFnvPrime;
  }
  return hash;
}

bool is_llama_library(std::string_view name) {
  const bool library = name.find(".so") != std::string_view::npos || name.ends_with(".dylib");
  const std::array<std::string_view, 4> starts = {"libllama", "libggml", "libmtmd", "libcommon"};
  return library && std::any_of(starts.begin(), starts.end(),
                                [name](std::string_view start) { return name.starts_with(start); });
}

}  // namespace

std::vector<std::string> parts_of(const std::string& program) {
  std::error_code problem;
  const fs::path file = fs::canonical(program, problem);
  if (problem) return {program};
  std::vector<std::string> parts;
  for (const fs::path& folder : {file.parent_path(), file.parent_path().parent_path() / "lib"}) {
    for (fs::directory_iterator it(folder, problem), end; !problem && it != end;
         it.increment(problem)) {
      if (is_llama_library(it->path().filename().string())) parts.push_back(it->path().string());
    }
  }
  std::sort(parts.begin(), parts.end());
  parts.insert(parts.begin(), file.string());
  return parts;
}

std::string stamp_of(const std::vector<std::string>& files) {
  std::string stamp;
  for (const std::string& file : files) {
    struct stat found = {};
    if (stat(file.c_str(), &found) != 0) continue;
    stamp += fmt::format("{} {} {}.{:09};", file, found.st_size, found.st_mtim.tv_sec,
                         found.st_mtim.tv_nsec);
  }
  return stamp;
}

std::string hash_of(const std::vector<std::string>& files) {
  constexpr std::size_t kPieceBytes = std::size_t{1} << 20U;
  std::vector<std::byte> piece(kPieceBytes);
  std::uint64_t hash = kFnvStart;
  for (const std::string& path : files) {
    const os::Descriptor file = os::open_to_read(path);
    std::uint64_t at = 0;
    while (file) {
      const auto got = os::read_at(file, at, piece);
      if (got <= 0) break;
      hash = hashed(hash, std::span(piece).first(static_cast<std::size_t>(got)));
      at += static_cast<std::uint64_t>(got);
    }
  }
  return fmt::format("{:016x}", hash);
}

std::string hash_of_text(const std::string& text) {
  return fmt::format("{:016x}", hashed(kFnvStart, std::as_bytes(std::span(text))));
}

}  // namespace sweetspot::servers
