#include "process/host_memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string_view>

namespace sweetspot::process {
namespace {

constexpr std::uint64_t kKiB = 1024;

// "NAME value ..." lines, as in meminfo, vmstat, memory.stat and status; `name` as it stands there.
std::optional<std::uint64_t> find_number(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string key;
    std::uint64_t value = 0;
    if (fields >> key >> value && key == name) return value;
  }
  return std::nullopt;
}

// A file with one number; "max" (no limit) is no number.
std::optional<std::uint64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

std::string own_cgroup(const MemoryFiles& files) {
  std::ifstream file(files.proc + "/self/cgroup");
  std::string line;
  constexpr std::string_view kUnified = "0::";
  while (std::getline(file, line)) {
    if (line.starts_with(kUnified)) return line.substr(kUnified.size());
  }
  return "/";
}

std::optional<std::uint64_t> left_in_cgroup(const std::string& folder) {
  const auto limit = read_number(folder + "/memory.max");
  const auto current = read_number(folder + "/memory.current");
  if (!limit || !current) return std::nullopt;
  // A mapped model counts as the group's cache, but never stands in the way of an allocation.
  const std::string stat = folder + "/memory.stat";
  const std::uint64_t cache =
      find_number(stat, "inactive_file").value_or(0) + find_number(stat, "active_file").value_or(0);
  const std::uint64_t held = *current - std::min(*current, cache);
  return *limit - std::min(*limit, held);
}

}  // namespace

std::optional<std::uint64_t> available_host_bytes(const MemoryFiles& files) {
  const auto available_kib = find_number(files.proc + "/meminfo", "MemAvailable:");
  if (!available_kib) return std::nullopt;
  std::uint64_t available = *available_kib * kKiB;
  // Every group on the way up may be limited, and the tightest counts.
  std::string group = own_cgroup(files);
  for (;;) {
    if (group == "/") group.clear();
    if (const auto left = left_in_cgroup(files.cgroup + group)) {
      available = std::min(available, *left);
    }
    const std::size_t slash = group.rfind('/');
    if (group.empty() || slash == std::string::npos) return available;
    group.erase(slash);
  }
}

std::optional<std::uint64_t> resident_bytes(pid_t pid, const MemoryFiles& files) {
  const auto kib = find_number(files.proc + "/" + std::to_string(pid) + "/status", "VmRSS:");
  if (!kib) return std::nullopt;
  return *kib * kKiB;
}

std::optional<std::uint64_t> oom_kill_count(const MemoryFiles& files) {
  return find_number(files.proc + "/vmstat", "oom_kill");
}

}  // namespace sweetspot::process
