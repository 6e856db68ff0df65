// Which processors this process may use, and how many threads llama.cpp should compute with there.
#pragma once

#include <vector>

#include "core/reading.hpp"
#include "kernel/file_tree.hpp"

namespace sweetspot::kernel {

struct Processors {
  /// Logical ones: by affinity and cpuset, ascending. Empty where nobody tells.
  std::vector<int> allowed;
  int cores = 1;              ///< physical ones among the allowed
  int performance_cores = 1;  ///< of these, without efficiency cores where there are others
  /// How many processors' worth of time a quota allows: the tightest of all groups we are in.
  Reading<double> quota = Absence{"no quota"};

  /// For llama.cpp, which computes with all its threads in step: one for each performance core, and
  /// no more than the quota can run at once. A thread without a processor holds up all others.
  [[nodiscard]] int threads() const;

  /// The most that can run at once: logical processors, as far as the quota goes. At least 1.
  [[nodiscard]] int most_threads() const;
};

/// Of this process: /proc/self/status, cpusets, quotas of cgroups v1 and v2, the topology and kinds
/// of cores as /sys has them.
Processors usable_processors(const FileTree& tree = default_tree());

}  // namespace sweetspot::kernel
