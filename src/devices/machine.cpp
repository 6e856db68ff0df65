#include "devices/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "kernel/processors.hpp"

extern "C" char** environ;  // NOLINT: POSIX declares it in no header

namespace sweetspot::devices {
namespace {

// Variables that change how llama.cpp, its backends or its threads run.
constexpr std::array<std::string_view, 8> kPrefixes{"GGML_", "CUDA_",  "HIP_", "ROCR_",
                                                    "VK_",   "LLAMA_", "OMP_", "NVIDIA_"};

// Of these, where something is installed: set in a shell and not on a desktop, and no difference.
constexpr std::array<std::string_view, 4> kOnlyPlaces{
    "CUDA_HOME=", "CUDA_PATH=", "CUDA_ROOT=", "CUDA_VERSION="};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\"";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The value of the first line "key<separator>value", or nothing.
std::optional<std::string> field(std::string_view text, std::string_view key, char separator) {
  for (const std::string_view line : lines_of(text)) {
    const auto at = line.find(separator);
    if (at != std::string_view::npos && trimmed(line.substr(0, at)) == key) {
      return std::string(trimmed(line.substr(at + 1)));
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

std::string text_or_unknown(const Reading<std::string>& reading) {
  return reading.value_or("unknown");
}

// ---- processor
// --------------------------------------------------------------------------------------

std::string cpu_name(const kernel::FileTree& tree) {
  const auto info = tree.text("/proc/cpuinfo");
  if (info) {
    for (const std::string_view key : {"model name", "Model", "Hardware", "cpu model", "cpu"}) {
      if (auto name = field(*info, key, ':')) return *name;
    }
  }
  return "unknown";
}

int logical_cores(const kernel::FileTree& tree) {
  const auto info = tree.text("/proc/cpuinfo");
  if (!info) return 0;
  const auto lines = lines_of(*info);
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [](std::string_view line) {
    return trimmed(line.substr(0, line.find(':'))) == "processor";
  }));
}

// Threads of one core list the same siblings.
int physical_cores(const kernel::FileTree& tree, int logical) {
  std::set<std::string> cores;
  for (const std::string& name : tree.folder("/sys/devices/system/cpu")) {
    if (!name.starts_with("cpu") || !leading_number(std::string_view(name).substr(3))) continue;
    const auto siblings =
        tree.text(fmt::format("/sys/devices/system/cpu/{}/topology/thread_siblings_list", name));
    if (siblings) cores.insert(*siblings);
  }
  return cores.empty() ? logical : static_cast<int>(cores.size());
}

// ---- caches
// -----------------------------------------------------------------------------------------

struct Cache {
  std::uint64_t level = 0;
  std::uint64_t bytes = 0;
  std::string cpus;  // that share it
};

// "32768K", as the kernel always writes it.
std::uint64_t cache_size(const std::string& text) {
  const std::uint64_t number = leading_number(text).value_or(0);
  if (text.ends_with('K')) return number << 10U;
  if (text.ends_with('M')) return number << 20U;
  return number;
}

std::vector<Cache> caches_of(const kernel::FileTree& tree, const std::string& cpu) {
  std::vector<Cache> caches;
  const std::string folder = fmt::format("/sys/devices/system/cpu/{}/cache", cpu);
  for (const std::string& name : tree.folder(folder)) {
    const std::string path = fmt::format("{}/{}", folder, name);
    const auto level = tree.number(path + "/level");
    const auto size = tree.text(path + "/size");
    const auto cpus = tree.text(path + "/shared_cpu_list");
    if (!level || !size || tree.text(path + "/type").value_or("") == "Instruction") continue;
    caches.push_back({*level, cache_size(*size), cpus.value_or(cpu)});
  }
  return caches;
}

// ---- memory
// -----------------------------------------------------------------------------------------

// What one level of the cgroup hierarchy leaves us.
struct CgroupLevel {
  std::uint64_t limit = 0;
  std::uint64_t available = 0;
};

struct CgroupNames {
  std::string folder;  // where the hierarchy is mounted
  std::string_view limit;
  std::string_view current;
  std::string_view inactive;  // key in memory.stat: page cache the kernel drops first
};

std::optional<CgroupLevel> read_level(const kernel::FileTree& tree, const std::string& folder,
                                      const CgroupNames& names) {
  const auto limit = tree.number(fmt::format("{}/{}", folder, names.limit));
  if (!limit) return std::nullopt;  // "max", or the root, which has no such file
  const std::uint64_t current =
      tree.number(fmt::format("{}/{}", folder, names.current)).value_or(0);
  const auto stat = tree.text(folder + "/memory.stat");
  const auto inactive = stat ? field(*stat, names.inactive, ' ') : std::nullopt;
  const std::uint64_t droppable = inactive ? leading_number(*inactive).value_or(0) : 0;
  const std::uint64_t held = current > droppable ? current - droppable : 0;
  return CgroupLevel{*limit, *limit > held ? *limit - held : 0};
}

struct CgroupPlace {
  CgroupNames names;
  std::string path;  // ours below the mount, "/a/b"
};

// Version 2 has one hierarchy ("0::/path"), version 1 one per controller ("9:memory:/path").
std::optional<CgroupPlace> our_cgroup(const kernel::FileTree& tree) {
  const auto text = tree.text("/proc/self/cgroup");
  if (!text) return std::nullopt;
  std::optional<CgroupPlace> place;
  for (const std::string_view line : lines_of(*text)) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string path(line.substr(second + 1));
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    if (controllers == "memory") {
      return CgroupPlace{{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                          "total_inactive_file"},
                         path};
    }
    if (controllers.empty()) {
      place = {{"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}, path};
    }
  }
  return place;
}

void cap(Reading<std::uint64_t>& reading, std::uint64_t limit) {
  if (reading && *reading > limit) reading = limit;
}

// Every ancestor can limit us. A path outside our namespace ("/..") or one that a container does
// not show leaves the mount's root, where the container's own limit is.
void cap_by_cgroups(const kernel::FileTree& tree, Machine& machine) {
  const auto place = our_cgroup(tree);
  if (!place) return;
  std::string path = place->path.find("..") == std::string::npos ? place->path : "";
  while (true) {
    if (path == "/") path.clear();
    if (const auto level = read_level(tree, place->names.folder + path, place->names)) {
      cap(machine.memory_total_bytes, level->limit);
      cap(machine.memory_available_bytes, level->available);
    }
    if (path.empty()) return;
    path.erase(path.rfind('/'));
  }
}

Reading<std::uint64_t> meminfo(const kernel::FileTree& tree, std::string_view key) {
  const auto text = tree.text("/proc/meminfo");
  if (!text) return Absence{text.reason()};
  const auto value = field(*text, key, ':');
  const auto kibibytes = value ? leading_number(*value) : std::nullopt;
  if (!kibibytes) return Absence{fmt::format("/proc/meminfo has no {}", key)};
  return *kibibytes * 1024;
}

// ---- environment
// ------------------------------------------------------------------------------------

std::vector<std::string> relevant(const std::vector<std::string>& environment) {
  std::vector<std::string> kept;
  for (const std::string& variable : environment) {
    const bool known =
        std::any_of(kPrefixes.begin(), kPrefixes.end(),
                    [&](std::string_view prefix) { return variable.starts_with(prefix); });
    const bool place =
        std::any_of(kOnlyPlaces.begin(), kOnlyPlaces.end(),
                    [&](std::string_view start) { return variable.starts_with(start); });
    if (known && !place) kept.push_back(variable);
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

std::string os_name(const kernel::FileTree& tree) {
  for (const char* const path : {"/etc/os-release", "/usr/lib/os-release"}) {
    const auto text = tree.text(path);
    if (!text) continue;
    for (const std::string_view key : {"PRETTY_NAME", "NAME", "ID"}) {
      if (auto name = field(*text, key, '=')) return *name;
    }
  }
  return "unknown";
}

}  // namespace

std::vector<std::string> process_environment() {
  std::vector<std::string> all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    all.emplace_back(*entry);
  }
  return all;
}

Machine read_machine(const MachineOptions& options) {
  const kernel::FileTree& tree = options.tree;
  Machine machine;
  machine.os = os_name(tree);
  machine.kernel = text_or_unknown(tree.text("/proc/sys/kernel/osrelease"));
  machine.cpu = cpu_name(tree);
  machine.logical_cores = logical_cores(tree);
  machine.physical_cores = physical_cores(tree, machine.logical_cores);
  const kernel::Processors usable = kernel::usable_processors(tree);
  machine.usable_threads = usable.threads();
  machine.most_threads = usable.most_threads();
  machine.cpu_quota = usable.quota;
  machine.memory_total_bytes = meminfo(tree, "MemTotal");
  machine.memory_available_bytes = meminfo(tree, "MemAvailable");
  cap_by_cgroups(tree, machine);
  machine.environment = relevant(options.environment);
  return machine;
}

Reading<std::uint64_t> available_memory_bytes(const kernel::FileTree& tree) {
  Machine machine;
  machine.memory_available_bytes = meminfo(tree, "MemAvailable");
  cap_by_cgroups(tree, machine);
  return machine.memory_available_bytes;
}

Reading<std::uint64_t> last_level_cache_bytes(const kernel::FileTree& tree) {
  std::uint64_t last = 0;
  std::map<std::string, std::uint64_t> bytes;  // of the last level, by the CPUs that share it
  for (const std::string& name : tree.folder("/sys/devices/system/cpu")) {
    if (!name.starts_with("cpu") || !leading_number(std::string_view(name).substr(3))) continue;
    for (const Cache& cache : caches_of(tree, name)) {
      if (cache.level < last) continue;
      if (cache.level > last) bytes.clear();
      last = cache.level;
      bytes[cache.cpus] = cache.bytes;
    }
  }
  std::uint64_t sum = 0;
  for (const auto& [cpus, size] : bytes) sum += size;
  if (sum == 0) return Absence{"sysfs lists no caches"};
  return sum;
}

Machine this_machine() { return read_machine({kernel::default_tree(), process_environment()}); }

}  // namespace sweetspot::devices
