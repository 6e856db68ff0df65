#include "worker/memory_guard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "core/text.hpp"

namespace sweetspot::worker {
namespace {

constexpr std::uint64_t kReserveBytes = std::uint64_t{512} << 20U;
constexpr auto kInterval = std::chrono::milliseconds(50);

std::uint64_t reserve_of(std::uint64_t total_bytes) {
  return std::min(kReserveBytes, total_bytes / 20);
}

/// The number after `label` in a file of "label number" lines.
std::optional<std::uint64_t> labelled(const std::string& path, std::string_view label) {
  std::ifstream in(path);
  std::string word;
  std::string rest;
  while (in >> word) {
    std::uint64_t value = 0;
    if (word == label && in >> value) return value;
    in.clear();
    std::getline(in, rest);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

/// Folder of our control group (version 2), or of the whole hierarchy in a container.
std::string control_group() {
  std::ifstream in("/proc/self/cgroup");
  std::string line;
  constexpr std::string_view kPrefix = "0::";
  while (std::getline(in, line)) {
    if (line.starts_with(kPrefix)) return "/sys/fs/cgroup" + line.substr(kPrefix.size());
  }
  return "/sys/fs/cgroup";
}

void apply_control_group(HostMemory& memory) {
  const std::string folder = control_group();
  const auto limit = number_in(folder + "/memory.max");  // "max" is no number: no limit
  const auto used = number_in(folder + "/memory.current");
  if (!limit || !used || *limit >= memory.total_bytes) return;
  const std::uint64_t cache = labelled(folder + "/memory.stat", "inactive_file").value_or(0);
  const std::uint64_t in_use = *used > cache ? *used - cache : 0;
  memory.total_bytes = *limit;
  memory.available_bytes = std::min(memory.available_bytes, *limit > in_use ? *limit - in_use : 0);
}

std::uint64_t own_anonymous_bytes() {
  return labelled("/proc/self/status", "RssAnon:").value_or(0) * 1024;
}

}  // namespace

std::optional<HostMemory> read_host_memory() {
  const auto total = labelled("/proc/meminfo", "MemTotal:");
  const auto available = labelled("/proc/meminfo", "MemAvailable:");
  if (!total || !available) return std::nullopt;
  HostMemory memory{*total * 1024, *available * 1024};
  apply_control_group(memory);
  return memory;
}

bool must_give_up(const HostMemory& memory, std::uint64_t own_bytes) {
  if (memory.available_bytes >= reserve_of(memory.total_bytes)) return false;
  return own_bytes > (memory.total_bytes - memory.available_bytes) / 2;
}

void MemoryGuard::watch(std::uint64_t id, Phase phase) {
  id_ = id;
  phase_ = phase;
  watching_ = true;
}

void MemoryGuard::run() {
  for (;;) {
    std::this_thread::sleep_for(kInterval);
    if (!watching_) continue;
    const auto memory = read_host_memory();
    const std::uint64_t own = own_anonymous_bytes();
    if (!memory || !must_give_up(*memory, own)) continue;
    outbox_.send(
        id_, protocol::Fault{protocol::FaultCode::exception,
                             phase_,
                             fmt::format("out of memory: this configuration took {} of system "
                                         "memory and {} are left; the worker gave up",
                                         format_bytes(own), format_bytes(memory->available_bytes)),
                             {}});
    leave();
  }
}

}  // namespace sweetspot::worker
