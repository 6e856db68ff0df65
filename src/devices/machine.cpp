#include "devices/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "ground/pieces.hpp"
#include "kernel/memory.hpp"
#include "kernel/processors.hpp"

extern "C" char** environ;  // NOLINT: POSIX declares it in no header

namespace sweetspot::devices {
namespace {

// Variables that change how llama.cpp, its backends or its threads run.
constexpr std::array<std::string_view, 8> kPrefixes{"GGML_", "CUDA_",  "HIP_", "ROCR_",
                                                    "VK_",   "LLAMA_", "OMP_", "NVIDIA_"};

// Of these, the ones that only say where something is installed: some shells set them, and they
// change nothing.
constexpr std::array<std::string_view, 4> kOnlyPlaces{
    "CUDA_HOME=", "CUDA_PATH=", "CUDA_ROOT=", "CUDA_VERSION="};

// /etc/os-release quotes its values.
std::string_view bare(std::string_view text) { return trimmed(text, " \t\""); }

// The value of the first line "key<separator>value", or nothing.
std::optional<std::string> field(std::string_view text, std::string_view key, char separator) {
  for (const std::string_view line : lines_of(text)) {
    const auto at = line.find(separator);
    if (at != std::string_view::npos && bare(line.substr(0, at)) == key) {
      return std::string(bare(line.substr(at + 1)));
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
    return bare(line.substr(0, line.find(':'))) == "processor";
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
  const kernel::HostMemory memory = kernel::host_memory(tree);
  machine.memory_total_bytes = memory.total_bytes;
  machine.memory_available_bytes = memory.available_bytes;
  machine.environment = relevant(options.environment);
  return machine;
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
