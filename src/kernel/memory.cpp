#include "kernel/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "ground/bytes.hpp"
#include "ground/pieces.hpp"
#include "kernel/cgroups.hpp"

namespace sweetspot::kernel {
namespace {

// The first number after `key`, in lines like "MemTotal: 8192 kB" and "active_file 4096".
std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  for (const std::string_view line : lines_of(text)) {
    const auto words = words_of(line);
    if (words.size() >= 2 && words[0] == key) return number_of(words[1]);
  }
  return std::nullopt;
}

Reading<std::uint64_t> meminfo(const FileTree& tree, std::string_view key) {
  const auto text = tree.text("/proc/meminfo");
  if (!text) return Absence{text.reason()};
  const auto kibibytes = number_after(*text, fmt::format("{}:", key));
  if (!kibibytes) return Absence{fmt::format("/proc/meminfo has no {}", key)};
  return *kibibytes * kKiB;
}

// What the files of a hierarchy are called.
struct Names {
  std::string_view limit;
  std::string_view current;
  std::string_view inactive;
  std::string_view active;
};
constexpr Names kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file", "total_active_file"};
constexpr Names kVersion2 = {"memory.max", "memory.current", "inactive_file", "active_file"};

void cap(Reading<std::uint64_t>& reading, std::uint64_t limit) {
  if (reading && *reading > limit) reading = limit;
}

void cap_by_group(const FileTree& tree, const std::string& folder, const Names& names,
                  HostMemory& memory) {
  const auto limit = tree.number(fmt::format("{}/{}", folder, names.limit));
  if (!limit) return;  // "max", or the root, which has no such file
  const std::uint64_t current =
      tree.number(fmt::format("{}/{}", folder, names.current)).value_or(0);
  const std::string stat = tree.text(folder + "/memory.stat").value_or("");
  const std::uint64_t cache =
      number_after(stat, names.inactive).value_or(0) + number_after(stat, names.active).value_or(0);
  const std::uint64_t held = current - std::min(current, cache);
  cap(memory.total_bytes, *limit);
  cap(memory.available_bytes, *limit - std::min(*limit, held));
}

}  // namespace

HostMemory host_memory(const FileTree& tree) {
  HostMemory memory{meminfo(tree, "MemTotal"), meminfo(tree, "MemAvailable")};
  for (const std::string& folder : unified_cgroups(tree)) {
    cap_by_group(tree, folder, kVersion2, memory);
  }
  for (const std::string& folder : cgroups_of(tree, "memory")) {
    cap_by_group(tree, folder, kVersion1, memory);
  }
  return memory;
}

}  // namespace sweetspot::kernel
