#include "worker/cpu_cores.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace sweetspot::worker {
namespace {

int logical_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

#ifdef __linux__

std::vector<int> allowed_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof(mask), &mask) != 0) return {};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

std::optional<int> read_topology(int cpu, const char* file) {
  std::ifstream in("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/" + file);
  int value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

#endif

}  // namespace

int physical_cores() {
#ifdef __linux__
  const std::vector<int> cpus = allowed_cpus();
  std::set<std::pair<int, int>> cores;
  for (const int cpu : cpus) {
    const auto package = read_topology(cpu, "physical_package_id");
    const auto core = read_topology(cpu, "core_id");
    if (!package || !core) return std::max(1, static_cast<int>(cpus.size()));
    cores.emplace(*package, *core);
  }
  if (!cores.empty()) return static_cast<int>(cores.size());
#endif
  return logical_cores();
}

}  // namespace sweetspot::worker
