#include "profiles/device_now.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace sweetspot::profiles {
namespace {

constexpr std::string_view kRpcBackend = "RPC";

bool same(const Reading<std::string>& a, const Reading<std::string>& b) {
  return a && b && *a == *b;
}
bool differ(const Reading<std::string>& a, const Reading<std::string>& b) {
  return a && b && *a != *b;
}

// "CUDA" of "CUDA0"; empty for a PCI address, which starts with a digit.
std::string_view letters(std::string_view id) {
  const auto end = std::find_if(
      id.begin(), id.end(), [](unsigned char character) { return std::isalpha(character) == 0; });
  return id.substr(0, static_cast<std::size_t>(end - id.begin()));
}

// One card can be two devices of ggml's (CUDA0 and Vulkan0).
bool same_backend(std::string_view a, std::string_view b) {
  return letters(a).empty() || letters(b).empty() || letters(a) == letters(b);
}

// How sure it is that both are one device: 0 = not at all. A name says the least, because it
// counts devices, and what is counted changes (R24).
int likeness(const SetDevice& device, const LiveDevice& live) {
  if (!same_backend(device.id, live.id)) return 0;
  const int exact_name = live.id == device.id ? 1 : 0;
  if (same(device.uuid, live.uuid)) return 6 + exact_name;
  if (differ(device.uuid, live.uuid)) return 0;
  if (same(device.pci_bus_id, live.pci_bus_id)) return 4 + exact_name;
  if (differ(device.pci_bus_id, live.pci_bus_id)) return 0;
  return exact_name;
}

const LiveDevice* most_alike(const SetDevice& device, const LiveMachine& live) {
  const LiveDevice* best = nullptr;
  int best_likeness = 0;
  for (const LiveDevice& candidate : live.devices) {
    const int found = likeness(device, candidate);
    if (found <= best_likeness) continue;
    best = &candidate;
    best_likeness = found;
  }
  return best;
}

std::string_view name_of(const LiveDevice& device) {
  return device.description.empty() ? std::string_view("another card") : device.description;
}

// Another card at the address of this one.
const LiveDevice* usurper(const SetDevice& device, const LiveMachine& live) {
  for (const LiveDevice& candidate : live.devices) {
    if (same_backend(device.id, candidate.id) && same(device.pci_bus_id, candidate.pci_bus_id) &&
        differ(device.uuid, candidate.uuid)) {
      return &candidate;
    }
  }
  return nullptr;
}

// Drivers and ggml name cards differently; ggml's descriptions are comparable with each other.
bool other_description(const SetDevice& device, const LiveDevice& live) {
  return !live.id.empty() && !live.description.empty() && !device.description.empty() &&
         !same(device.uuid, live.uuid) && live.description != device.description;
}

bool reached_by_endpoint(const SetDevice& device, const ProfileSet& set, const LiveMachine& live) {
  return device.backend == kRpcBackend && live.rpc && *live.rpc == set.rpc;
}

bool other_endpoints(const SetDevice& device, const ProfileSet& set, const LiveMachine& live) {
  return device.backend == kRpcBackend && live.rpc && *live.rpc != set.rpc;
}

Found not_here(const SetDevice& device) {
  return {nullptr, false, false, fmt::format("{} is not here", device.id)};
}

Found taken_over(const SetDevice& device, const LiveDevice& live) {
  return {&live, false, true,
          fmt::format("{} was {}, is {}", device.id, device.description, name_of(live))};
}

}  // namespace

Found find_device(const SetDevice& device, const ProfileSet& set, const LiveMachine& live) {
  if (other_endpoints(device, set, live)) return not_here(device);
  const LiveDevice* const found = most_alike(device, live);
  if (found == nullptr) {
    if (const LiveDevice* const other = usurper(device, live)) return taken_over(device, *other);
    if (reached_by_endpoint(device, set, live)) return {nullptr, true, false, {}};
    return not_here(device);
  }
  if (other_description(device, *found)) return taken_over(device, *found);
  if (!found->id.empty() && !letters(device.id).empty() && found->id != device.id) {
    return {found, false, false,
            fmt::format("the card that was {} is {} now", device.id, found->id)};
  }
  return {found, true, false, {}};
}

MemoryNow memory_now(const SetDevice& device, const Found& found,
                     const Reading<std::uint64_t>& host_available_bytes) {
  MemoryNow now{device.memory_total_bytes, Absence{"nobody can read it"}, {}, false};
  const LiveDevice* const live = found.live;
  if (live != nullptr) {
    now.shares_host_memory = live->shares_host_memory;
    if (live->memory_total_bytes && *live->memory_total_bytes > 0) {
      now.total_bytes = live->memory_total_bytes;
    }
    now.free_bytes = live->memory_free_bytes;
  }
  const bool impossible = now.free_bytes && now.total_bytes && *now.free_bytes > *now.total_bytes;
  // ggml says 0 of 0 where it failed.
  const bool failed = now.free_bytes && *now.free_bytes == 0 && !now.total_bytes;
  if (!now.free_bytes || impossible || failed) {
    now.free_bytes = device.memory_free_bytes ? device.memory_free_bytes : now.total_bytes;
    now.guess = live != nullptr && live->asleep
                    ? fmt::format("{} sleeps", device.id)
                    : fmt::format("nobody can read the free memory of {}", device.id);
    if (now.free_bytes && now.total_bytes) {
      now.free_bytes = std::min(*now.free_bytes, *now.total_bytes);
    }
  }
  if (now.shares_host_memory && now.free_bytes && host_available_bytes) {
    now.free_bytes = std::min(*now.free_bytes, *host_available_bytes);
  }
  return now;
}

const SetDevice* device_of(const ProfileSet& set, std::string_view id) {
  for (const SetDevice& device : set.devices) {
    if (device.id == id) return &device;
  }
  return nullptr;
}

}  // namespace sweetspot::profiles
