#include "kernel/processor_use.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "ground/pieces.hpp"
#include "kernel/cgroups.hpp"

namespace sweetspot::kernel {
namespace {

double steady_ms() {
  using Ms = std::chrono::duration<double, std::milli>;
  return Ms(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// "ran waited slices", Documentation/scheduler/sched-stats.rst.
std::optional<std::uint64_t> run_delay(const Reading<std::string>& schedstat) {
  if (!schedstat) return std::nullopt;
  const auto words = words_of(*schedstat);
  return words.size() < 2 ? std::nullopt : number_of(words[1]);
}

Reading<std::map<int, std::uint64_t>> run_delays(const FileTree& tree, pid_t pid) {
  if (pid <= 0) return Absence{"no process"};
  const std::string folder = fmt::format("/proc/{}/task", pid);
  std::map<int, std::uint64_t> delays;
  for (const std::string& thread : tree.folder(folder)) {
    const auto id = number_of(thread);
    const auto delay = run_delay(tree.text(fmt::format("{}/{}/schedstat", folder, thread)));
    if (id && delay) delays[static_cast<int>(*id)] = *delay;
  }
  if (delays.empty()) return Absence{"this kernel does not tell how long threads wait"};
  return delays;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=532130049", Documentation/accounting/psi.rst.
std::optional<std::uint64_t> stalled(const Reading<std::string>& pressure) {
  if (!pressure) return std::nullopt;
  constexpr std::string_view kTotal = "total=";
  for (const std::string_view line : lines_of(*pressure)) {
    if (!line.starts_with("some ")) continue;
    const auto at = line.find(kTotal);
    if (at != std::string_view::npos) return number_of(line.substr(at + kTotal.size()));
  }
  return std::nullopt;
}

Reading<std::uint64_t> stalled_us(const FileTree& tree) {
  const CgroupFolders groups = unified_cgroups(tree);
  if (!groups.empty()) {
    if (const auto own = stalled(tree.text(groups.front() + "/cpu.pressure"))) return *own;
  }
  if (const auto machine = stalled(tree.text("/proc/pressure/cpu"))) return *machine;
  return Absence{"this kernel tells no pressure"};
}

// proc_stat(5): "cpu0 user nice system idle iowait irq softirq steal guest guest_nice", guests
// being counted as users already.
void add_ticks(std::string_view line, const std::vector<int>& cpus, ProcessorMoment::Ticks& sum) {
  constexpr std::size_t kIdle = 4;
  constexpr std::size_t kIoWait = 5;
  constexpr std::size_t kSteal = 8;
  const auto words = words_of(line);
  if (words.size() <= kIoWait) return;
  const auto cpu = number_of(words[0].substr(3));
  if (!cpu) return;  // the sum of all
  if (!cpus.empty() && !std::binary_search(cpus.begin(), cpus.end(), static_cast<int>(*cpu)))
    return;
  for (std::size_t i = 1; i <= std::min(kSteal, words.size() - 1); ++i) {
    const std::uint64_t ticks = number_of(words[i]).value_or(0);
    sum.all += ticks;
    if (i != kIdle && i != kIoWait) sum.busy += ticks;
  }
}

Reading<ProcessorMoment::Ticks> ticks(const FileTree& tree, const std::vector<int>& cpus) {
  const auto stat = tree.text("/proc/stat");
  if (!stat) return Absence{stat.reason()};
  ProcessorMoment::Ticks sum;
  for (const std::string_view line : lines_of(*stat)) {
    if (line.starts_with("cpu")) add_ticks(line, cpus, sum);
  }
  if (sum.all == 0) return Absence{"/proc/stat lists none of the processors"};
  return sum;
}

// A thread that began in between has waited since then. What one that has ended had waited is not
// known.
std::uint64_t longest_wait(const std::map<int, std::uint64_t>& before,
                           const std::map<int, std::uint64_t>& after) {
  std::uint64_t longest = 0;
  for (const auto& [thread, waited] : after) {
    const auto known = before.find(thread);
    const std::uint64_t begin = known == before.end() ? 0 : known->second;
    if (waited > begin) longest = std::max(longest, waited - begin);
  }
  return longest;
}

double share(double part, double whole) { return std::clamp(part / whole, 0.0, 1.0); }

template <typename T>
std::string reason_of(const Reading<T>& before, const Reading<T>& after) {
  return before ? after.reason() : before.reason();
}

}  // namespace

ProcessorMoment look_at_processors(pid_t pid, const std::vector<int>& cpus, const FileTree& tree) {
  ProcessorMoment moment;
  moment.at_ms = steady_ms();
  moment.waited_ns = run_delays(tree, pid);
  moment.stalled_us = stalled_us(tree);
  moment.ticks = ticks(tree, cpus);
  return moment;
}

ProcessorUse use_between(const ProcessorMoment& before, const ProcessorMoment& after) {
  constexpr double kNsPerMs = 1e6;
  constexpr double kUsPerMs = 1e3;
  ProcessorUse use;
  use.ms = after.at_ms - before.at_ms;
  if (use.ms <= 0) return use;
  if (before.waited_ns && after.waited_ns) {
    const auto waited = static_cast<double>(longest_wait(*before.waited_ns, *after.waited_ns));
    use.waited_share = share(waited / kNsPerMs, use.ms);
  } else {
    use.waited_share = Absence{reason_of(before.waited_ns, after.waited_ns)};
  }
  if (before.stalled_us && after.stalled_us) {
    const double stalled =
        static_cast<double>(*after.stalled_us) - static_cast<double>(*before.stalled_us);
    use.stalled_share = share(stalled / kUsPerMs, use.ms);
  } else {
    use.stalled_share = Absence{reason_of(before.stalled_us, after.stalled_us)};
  }
  if (before.ticks && after.ticks && after.ticks->all > before.ticks->all &&
      after.ticks->busy >= before.ticks->busy) {
    use.busy_share = share(static_cast<double>(after.ticks->busy - before.ticks->busy),
                           static_cast<double>(after.ticks->all - before.ticks->all));
  } else if (!before.ticks || !after.ticks) {
    use.busy_share = Absence{reason_of(before.ticks, after.ticks)};
  } else {
    use.busy_share = Absence{"no tick has passed"};
  }
  return use;
}

}  // namespace sweetspot::kernel
