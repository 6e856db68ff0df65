// What a process waited for a processor, and what the processors did meanwhile.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

#include "core/reading.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::kernel {

/// Counters as they stood at one moment; two moments make a ProcessorUse.
struct ProcessorMoment {
  double at_ms = 0;  ///< steady clock
  /// By thread: how long it was ready to run and had no processor (schedstat's run delay).
  Reading<std::map<int, std::uint64_t>> waited_ns = Absence{"not read"};
  /// How long somebody waited for a processor (pressure stall information): in our cgroup where it
  /// tells, else on the machine.
  Reading<std::uint64_t> stalled_us = Absence{"not read"};
  /// Ticks of the processors that were looked at: any work, a hypervisor's included, and all.
  struct Ticks {
    std::uint64_t busy = 0;
    std::uint64_t all = 0;
  };
  Reading<Ticks> ticks = Absence{"not read"};
};

/// Between two moments.
struct ProcessorUse {
  double ms = 0;
  /// Of the time, the share that the thread which waited longest was ready to run and had no
  /// processor; 0..1. Threads that compute in step are all held up by the one that waits.
  Reading<double> waited_share = Absence{"not read"};
  Reading<double> stalled_share = Absence{"not read"};  ///< somebody waited, 0..1
  Reading<double> busy_share = Absence{"not read"};     ///< of the processors' time, 0..1
};

/// `pid` 0: of no process. `cpus`: the logical processors that count; empty = all.
ProcessorMoment look_at_processors(pid_t pid, const std::vector<int>& cpus,
                                   const FileTree& tree = default_tree());

/// What cannot be told of both moments is absent.
ProcessorUse use_between(const ProcessorMoment& before, const ProcessorMoment& after);

}  // namespace sweetspot::kernel
