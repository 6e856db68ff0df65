#include "plan/pattern.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace sweetspot::plan {
namespace {

/// Bytes by device. Differences are kept modulo 2^64, which adds up exactly.
using Bytes = std::map<std::string, std::uint64_t>;

constexpr std::uint64_t kNegative = std::uint64_t{1} << 63;

Bytes context_of(const PlannedMemory& cell) {
  Bytes bytes;
  for (const DeviceMemory& device : cell.memory) bytes[device.id] += device.context_bytes;
  return bytes;
}

/// A device on which nothing changes has no entry.
Bytes step_between(const PlannedMemory& from, const PlannedMemory& to) {
  Bytes step = context_of(to);
  for (const auto& [id, bytes] : context_of(from)) step[id] -= bytes;
  std::erase_if(step, [](const auto& entry) { return entry.second == 0; });
  return step;
}

using Compute = std::vector<std::pair<std::string, std::uint64_t>>;

/// In the order of the map, so that a run also has the same devices in the same order.
Compute compute_of(const PlannedMemory& cell) {
  Compute compute;
  for (const DeviceMemory& device : cell.memory) {
    compute.emplace_back(device.id, device.compute_bytes);
  }
  return compute;
}

bool same_weights(const PlannedMemory& a, const PlannedMemory& b) {
  return std::equal(a.memory.begin(), a.memory.end(), b.memory.begin(), b.memory.end(),
                    [](const DeviceMemory& x, const DeviceMemory& y) {
                      return std::tie(x.id, x.model_bytes, x.mapped_bytes) ==
                             std::tie(y.id, y.model_bytes, y.mapped_bytes);
                    });
}

bool can_speak_for_others(const std::vector<Column>& columns) {
  for (const Column column : columns) {
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (!column[i].problem.empty() || !same_weights(column[i], columns.front()[i])) return false;
    }
  }
  return true;
}

bool same_compute(const std::vector<Column>& columns, std::size_t i, std::size_t j) {
  return std::all_of(columns.begin(), columns.end(),
                     [&](Column column) { return compute_of(column[i]) == compute_of(column[j]); });
}

/// Of each class the step whose ends are asked anyway as far as possible.
std::vector<std::size_t> representatives(const Pattern& pattern, const std::vector<bool>& asked) {
  std::vector<std::size_t> steps;
  std::vector<int> shared;
  for (std::size_t i = 0; i < pattern.step_class.size(); ++i) {
    const std::size_t step_class = pattern.step_class[i];
    const int ends = static_cast<int>(asked[i]) + static_cast<int>(asked[i + 1]);
    if (step_class == steps.size()) {
      steps.push_back(i);
      shared.push_back(ends);
    } else if (ends > shared[step_class]) {
      steps[step_class] = i;
      shared[step_class] = ends;
    }
  }
  return steps;
}

/// The step of each class, from the first two neighbours that were asked.
std::map<std::size_t, Bytes> known_steps(const Pattern& pattern, Column column,
                                         const std::vector<bool>& asked) {
  std::map<std::size_t, Bytes> steps;
  for (std::size_t i = 0; i < pattern.step_class.size(); ++i) {
    if (asked[i] && asked[i + 1]) {
      steps.try_emplace(pattern.step_class[i], step_between(column[i], column[i + 1]));
    }
  }
  return steps;
}

/// The context bytes of every cell, from the first one and the steps of the classes.
std::optional<std::vector<Bytes>> contexts_from_steps(const Pattern& pattern, Column column,
                                                      const std::vector<bool>& asked) {
  const auto steps = known_steps(pattern, column, asked);
  std::vector<Bytes> contexts = {context_of(column.front())};
  for (const std::size_t step_class : pattern.step_class) {
    const auto step = steps.find(step_class);
    if (step == steps.end()) return std::nullopt;
    Bytes next = contexts.back();
    for (const auto& [id, bytes] : step->second) {
      next[id] += bytes;
      if (next[id] >= kNegative) return std::nullopt;
    }
    contexts.push_back(std::move(next));
  }
  return contexts;
}

/// The compute bytes of every run, from the first of its cells that was asked.
std::vector<Bytes> compute_of_runs(const Pattern& pattern, Column column,
                                   const std::vector<bool>& asked) {
  std::vector<Bytes> runs(pattern.run.back() + 1);
  for (std::size_t i = pattern.run.size(); i-- > 0;) {
    if (!asked[i]) continue;
    const Compute compute = compute_of(column[i]);
    runs[pattern.run[i]] = Bytes(compute.begin(), compute.end());
  }
  return runs;
}

std::uint64_t of_device(const Bytes& bytes, const std::string& id) {
  const auto found = bytes.find(id);
  return found == bytes.end() ? 0 : found->second;
}

bool has_other_devices(const Bytes& bytes, const MemoryMap& memory) {
  return std::any_of(bytes.begin(), bytes.end(), [&](const auto& entry) {
    return entry.second != 0 && find_device(memory, entry.first) == nullptr;
  });
}

}  // namespace

std::optional<Pattern> read_pattern(const std::vector<Column>& columns) {
  if (!can_speak_for_others(columns)) return std::nullopt;
  Pattern pattern;
  pattern.run = {0};
  std::map<std::vector<Bytes>, std::size_t> classes;
  for (std::size_t i = 0; i + 1 < columns.front().size(); ++i) {
    const std::size_t run = pattern.run.back();
    pattern.run.push_back(same_compute(columns, i, i + 1) ? run : run + 1);
    std::vector<Bytes> steps;
    steps.reserve(columns.size());
    for (const Column column : columns) steps.push_back(step_between(column[i], column[i + 1]));
    pattern.step_class.push_back(
        classes.try_emplace(std::move(steps), classes.size()).first->second);
  }
  return pattern;
}

std::vector<std::size_t> telling_places(const Pattern& pattern) {
  const std::size_t count = pattern.run.size();
  std::vector<bool> asked(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    const bool first = i == 0 || pattern.run[i] != pattern.run[i - 1];
    const bool last = i + 1 == count || pattern.run[i] != pattern.run[i + 1];
    asked[i] = first || last;
  }
  for (const std::size_t step : representatives(pattern, asked)) {
    asked[step] = true;
    asked[step + 1] = true;
  }
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < count; ++i) {
    if (asked[i]) places.push_back(i);
  }
  return places;
}

std::optional<std::vector<PlannedMemory>> reconstruct(const Pattern& pattern, Column weights,
                                                      Column column,
                                                      const std::vector<bool>& asked) {
  const auto contexts = contexts_from_steps(pattern, column, asked);
  if (!contexts) return std::nullopt;
  const std::vector<Bytes> compute = compute_of_runs(pattern, column, asked);

  std::vector<PlannedMemory> cells;
  for (std::size_t i = 0; i < column.size(); ++i) {
    PlannedMemory cell{weights[i].memory, column.front().n_ctx, {}};
    for (DeviceMemory& device : cell.memory) {
      device.context_bytes = of_device((*contexts)[i], device.id);
      device.compute_bytes = of_device(compute[pattern.run[i]], device.id);
    }
    if (has_other_devices((*contexts)[i], cell.memory)) return std::nullopt;
    // A refused config has a problem, so it never equals what is made here.
    if (asked[i] && cell != column[i]) return std::nullopt;
    cells.push_back(std::move(cell));
  }
  return cells;
}

}  // namespace sweetspot::plan
