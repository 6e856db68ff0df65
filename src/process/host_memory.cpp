#include "process/host_memory.hpp"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string_view>

#include "ground/bytes.hpp"

namespace sweetspot::process {
namespace {

// "NAME value ..." lines, as in vmstat and status; `name` as it stands there.
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

}  // namespace

std::optional<std::uint64_t> resident_bytes(pid_t pid, const MemoryFiles& files) {
  const auto kib = find_number(files.proc + "/" + std::to_string(pid) + "/status", "VmRSS:");
  if (!kib) return std::nullopt;
  return *kib * kKiB;
}

std::optional<std::uint64_t> oom_kill_count(const MemoryFiles& files) {
  return find_number(files.proc + "/vmstat", "oom_kill");
}

}  // namespace sweetspot::process
