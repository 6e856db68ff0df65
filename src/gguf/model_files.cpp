#include "gguf/model_files.hpp"

#include <fmt/format.h>

#include <utility>

namespace sweetspot::gguf {
namespace {

constexpr std::uint64_t kMaxSplits = 1000;

std::string split_suffix(std::uint64_t number, std::uint64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number, count);
}

}  // namespace

std::optional<std::string> split_name(std::string_view first, std::uint64_t number,
                                      std::uint64_t count) {
  const std::string suffix = split_suffix(1, count);
  if (!first.ends_with(suffix)) return std::nullopt;
  first.remove_suffix(suffix.size());
  return std::string(first).append(split_suffix(number, count));
}

Read<std::vector<Header>> read_model_files(const std::string& path, Extents extents) {
  auto first = Header::read(path, extents);
  if (!first) return tl::unexpected(first.error());
  const std::uint64_t count = first->integer("split.count").value_or(0);
  const std::uint64_t index = first->integer("split.no").value_or(0);
  std::vector<Header> files;
  files.push_back(*std::move(first));
  if (count <= 1) return files;

  const auto refused = [&](const std::string& why) {
    return invalid(fmt::format("{} cannot be used: {}", path, why));
  };
  if (count > kMaxSplits) return refused(fmt::format("it says it is split into {} files", count));
  if (index != 0) {
    return refused(
        fmt::format("it is file {} of {} of a split model; name the first one", index + 1, count));
  }
  for (std::uint64_t i = 1; i < count; ++i) {
    const auto name = split_name(path, i + 1, count);
    if (!name) {
      return refused(fmt::format(
          "it is the first of {0} files, but its name does not end in -00001-of-{0:05}.gguf",
          count));
    }
    auto next = Header::read(*name, extents);
    if (!next) {
      next.error().message += fmt::format(" (it is file {} of {} of {})", i + 1, count, path);
      return tl::unexpected(next.error());
    }
    if (next->integer("split.no").value_or(0) != i) {
      return refused(fmt::format("{} does not say that it is file {} of {}", *name, i + 1, count));
    }
    files.push_back(*std::move(next));
  }
  return files;
}

}  // namespace sweetspot::gguf
