#include "kernel/processors.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "ground/pieces.hpp"
#include "kernel/cgroups.hpp"
#include "kernel/cpu_list.hpp"

namespace sweetspot::kernel {
namespace {

// Of a cluster with this share of the fastest core's capacity or more a thread is no brake: the
// little cores of ARM's big.LITTLE have a quarter to a half, its middle ones four fifths.
constexpr double kPerformanceShare = 0.6;

std::vector<int> common(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

// ---- which

std::vector<int> affinity_of_the_call() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (::sched_getaffinity(0, sizeof(mask), &mask) != 0) return {};
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &mask)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> affinity(const FileTree& tree) {
  if (const auto status = tree.text("/proc/self/status")) {
    constexpr std::string_view kKey = "Cpus_allowed_list:";
    for (const std::string_view line : lines_of(*status)) {
      if (!line.starts_with(kKey)) continue;
      const auto words = words_of(line.substr(kKey.size()));
      if (!words.empty()) return cpu_list(words.front());
    }
  }
  // Some sandboxes have no such line but answer the system call.
  return tree.root.empty() ? affinity_of_the_call() : std::vector<int>{};
}

std::vector<int> first_list(const FileTree& tree, const CgroupFolders& folders, const char* name) {
  for (const std::string& folder : folders) {
    const auto text = tree.text(fmt::format("{}/{}", folder, name));
    if (text) return cpu_list(*text);
  }
  return {};
}

std::vector<int> cpuset(const FileTree& tree) {
  std::vector<int> cpus = first_list(tree, unified_cgroups(tree), "cpuset.cpus.effective");
  const CgroupFolders old = cgroups_of(tree, "cpuset");
  if (cpus.empty()) cpus = first_list(tree, old, "cpuset.effective_cpus");
  return cpus.empty() ? first_list(tree, old, "cpuset.cpus") : cpus;
}

// The kernel keeps affinity within the cpuset; where one of them cannot be read, the other tells.
std::vector<int> allowed_cpus(const FileTree& tree) {
  std::vector<int> by_affinity = affinity(tree);
  std::vector<int> by_cpuset = cpuset(tree);
  std::vector<int> both = common(by_affinity, by_cpuset);
  if (!both.empty()) return both;
  return by_affinity.empty() ? by_cpuset : by_affinity;
}

// ---- of what kind

std::string cpu_folder(int cpu) { return fmt::format("/sys/devices/system/cpu/cpu{}", cpu); }

// What all logical processors of one core have in common.
std::optional<std::string> core_of(const FileTree& tree, int cpu) {
  const std::string topology = cpu_folder(cpu) + "/topology/";
  for (const char* const name : {"core_cpus_list", "thread_siblings_list"}) {
    if (const auto siblings = tree.text(topology + name)) return *siblings;
  }
  const auto package = tree.text(topology + "physical_package_id");
  const auto core = tree.text(topology + "core_id");
  if (!package || !core) return std::nullopt;
  return fmt::format("{}:{}", *package, *core);
}

int count_cores(const FileTree& tree, const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const auto core = core_of(tree, cpu);
    if (!core) return static_cast<int>(cpus.size());
    cores.insert(*core);
  }
  return static_cast<int>(cores.size());
}

// Intel's hybrid processors list their performance cores; elsewhere the scheduler's capacities tell
// (Documentation/scheduler/sched-capacity.rst).
std::vector<int> performance_cpus(const FileTree& tree, const std::vector<int>& allowed) {
  if (const auto listed = tree.text("/sys/devices/cpu_core/cpus")) {
    std::vector<int> fast = common(allowed, cpu_list(*listed));
    return fast.empty() ? allowed : fast;
  }
  std::vector<std::pair<std::uint64_t, int>> capacities;
  std::uint64_t most = 0;
  for (const int cpu : allowed) {
    const auto capacity = tree.number(cpu_folder(cpu) + "/cpu_capacity");
    if (!capacity) return allowed;
    capacities.emplace_back(*capacity, cpu);
    most = std::max(most, *capacity);
  }
  std::vector<int> fast;
  for (const auto& [capacity, cpu] : capacities) {
    if (static_cast<double>(capacity) >= kPerformanceShare * static_cast<double>(most)) {
      fast.push_back(cpu);
    }
  }
  return fast;
}

// ---- for how long

std::optional<double> quotient(std::string_view quota, std::string_view period) {
  const auto most = number_of(quota);  // "max" and -1 are none
  const auto of = number_of(period);
  if (!most || !of || *most == 0 || *of == 0) return std::nullopt;
  return static_cast<double>(*most) / static_cast<double>(*of);
}

void keep_tightest(Reading<double>& quota, const std::optional<double>& next) {
  if (next && (!quota || *next < *quota)) quota = *next;
}

Reading<double> tightest_quota(const FileTree& tree) {
  Reading<double> quota = Absence{"no quota"};
  for (const std::string& folder : unified_cgroups(tree)) {
    const auto text = tree.text(folder + "/cpu.max");
    const auto words = text ? words_of(*text) : std::vector<std::string_view>{};
    if (words.size() == 2) keep_tightest(quota, quotient(words[0], words[1]));
  }
  for (const std::string& folder : cgroups_of(tree, "cpu")) {
    const auto most = tree.text(folder + "/cpu.cfs_quota_us");
    const auto period = tree.text(folder + "/cpu.cfs_period_us");
    if (most && period) keep_tightest(quota, quotient(*most, *period));
  }
  return quota;
}

int at_most(int threads, const Reading<double>& quota) {
  if (!quota || *quota >= threads) return std::max(1, threads);
  return std::max(1, static_cast<int>(std::floor(*quota)));
}

}  // namespace

int Processors::threads() const { return at_most(performance_cores, quota); }

int Processors::most_threads() const {
  return at_most(std::max(cores, static_cast<int>(allowed.size())), quota);
}

Processors usable_processors(const FileTree& tree) {
  Processors usable;
  usable.allowed = allowed_cpus(tree);
  usable.quota = tightest_quota(tree);
  if (usable.allowed.empty()) {
    usable.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    usable.performance_cores = usable.cores;
    return usable;
  }
  usable.cores = count_cores(tree, usable.allowed);
  usable.performance_cores = count_cores(tree, performance_cpus(tree, usable.allowed));
  return usable;
}

}  // namespace sweetspot::kernel
