// A device of a profile set as it is at this moment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/profile_set.hpp"
#include "core/reading.hpp"

namespace sweetspot::profiles {

/// Two views of one card's memory (NVML's and CUDA's, say) differ by less than this.
inline constexpr double kSameMemory = 0.02;

/// Where a device of a set is now.
struct Found {
  const LiveDevice* live =
      nullptr;  ///< also null for an RPC device that only its endpoint tells of
  bool here = false;
  bool other_card = false;  ///< something else lies where it was
  std::string problem;      ///< a clause, where it is not here as it was
};

Found find_device(const SetDevice& device, const ProfileSet& set, const LiveMachine& live);

/// What a device has, as far as it can be told.
struct MemoryNow {
  Reading<std::uint64_t> total_bytes;
  Reading<std::uint64_t> free_bytes;
  std::string guess;  ///< a clause, where nobody could read the free memory; widens margins
  bool shares_host_memory = false;

  [[nodiscard]] bool guessed() const { return !guess.empty(); }
};

/// `found.here` is required.
MemoryNow memory_now(const SetDevice& device, const Found& found,
                     const Reading<std::uint64_t>& host_available_bytes);

/// The device of the set with that id, or nullptr.
const SetDevice* device_of(const ProfileSet& set, std::string_view id);

}  // namespace sweetspot::profiles
