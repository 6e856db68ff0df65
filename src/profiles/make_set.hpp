// Profile sets from what is known: a run, a plan, or nothing but the size of the card (M10-M12).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/device.hpp"
#include "core/profile_set.hpp"
#include "core/reading.hpp"
#include "core/run.hpp"

namespace sweetspot::profiles {

/// The set of a run: its four profiles, the winner of a tune as "tuned", and every other measured
/// trial without an objection that is not beaten in both speed and memory, as "layers-N". The CPU
/// alone is in it wherever it was measured and did not fail with its whole context.
///
/// A need is the larger of llama.cpp's breakdown with `driver_share_bytes`, and of what the driver
/// saw: of several devices, what it saw beyond the breakdown counts evenly, since contexts and
/// kernels do not grow with what lies on a device. Settings are those that llama.cpp really used.
///
/// Absent, with the reason, where nothing was measured that may be recommended.
Reading<ProfileSet> set_of_run(const Run& run, const ModelKey& model,
                               std::uint64_t driver_share_bytes);

/// The set of one trial alone, as a profile of that name, whatever speaks against recommending it:
/// to be held against the profile of an older set.
ProfileSet set_of_trial(const Run& run, std::size_t trial, std::string name, const ModelKey& model,
                        std::uint64_t driver_share_bytes);

/// What a set keeps of a device.
SetDevice set_device(const DeviceReport& report);

/// The build that a worker is made of, as Fingerprint::llama_cpp has it; with the hash of a program
/// that is driven, since builds of one number differ.
std::string llama_cpp_of(const Engine& engine);

/// What else measurements or plans with this engine on this machine depend on.
Fingerprint fingerprint_of(const ModelInfo& model, const Engine& engine, std::string tool_version,
                           const Machine& machine);

/// Layers that a default profile supposes a model has, as 7B and 8B models do: 32 blocks and the
/// output.
inline constexpr int kUsualLayers = 33;

/// A guess, for choosing only: the file's share of the layers (all of it from kUsualLayers on) and
/// 1 GB for context, buffers and driver, 1.5 GB from a context of 4096 on. With an unknown size 3,
/// 4 and 6 GB for fast, balanced and performance. 0 for the CPU alone.
std::uint64_t default_need_bytes(const SavedProfile& profile, const ModelKey& model);

/// The total memory from which on a card is offered the profile: 8 GB for performance, 4 GB for
/// balanced, 0 for others (M11). GB are 10^9 bytes, so that a card sold as 8 GB has them.
std::uint64_t default_card_bytes(std::string_view profile_name);

/// The four of M10, for a model nobody has looked at: performance (40 layers, context 4096, batch
/// 512), balanced (30, 2048, 256), fast (20, 2048, 256), cpu_fallback (0, 2048, 128), in this
/// order. No speeds and no needs. The total memory of the largest device says which is wished for
/// (default_card_bytes); choose() takes a smaller one where what is free now is less than its
/// default_need_bytes, and the CPU where it is too little for any.
ProfileSet default_set(const ModelKey& model, const LiveMachine& live);

}  // namespace sweetspot::profiles
