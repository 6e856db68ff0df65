// What is really best on a pretended machine, without noise: what searches are held against.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/profile.hpp"
#include "machine/machine.hpp"
#include "vram_view.hpp"

namespace sweetspot::simulation {

/// The questions of a sweep over layer counts, in the order they are reported.
inline constexpr std::array<const char*, 4> kDecisions = {"fast", "balanced", "performance",
                                                          "optimum"};

/// The config that a layer count means where nothing else was asked for.
Config with_layers(int layers);

/// Milliseconds of a generated token in the middle of a generation at the workload's depth, as
/// sweeps measure it.
double true_generation_ms(const fake::Machine& machine, const Config& config, const Workload& work);

/// Milliseconds of a generated token in the middle of the generation that follows the workload's
/// prompt, as a tune measures it.
double true_ms_behind_prompt(const fake::Machine& machine, const Config& config,
                             const Workload& work);

/// Milliseconds of one request: its prompt, then its generation.
double true_request_ms(const fake::Machine& machine, const Config& config, const Workload& work);

/// Whether a config with that share of the memory in use answers the question.
bool belongs_to(const char* decision, double vram_percent, const Bands& bands);

/// The fastest layer count that answers each question (kDecisions) and is safe; nothing where no
/// layer count does.
std::array<std::optional<int>, kDecisions.size()> true_winners(const fake::Machine& machine,
                                                               const VramView& vram,
                                                               const Workload& work,
                                                               const Bands& bands);

/// By how much slower than the best, as a share of the best's speed: 0 = as good, 0.1 = 10 %.
double regret(double best_ms, double chosen_ms);

}  // namespace sweetspot::simulation
