// Whether a set still speaks of this machine (R41).
#include <fmt/format.h>

#include <cmath>
#include <sweetspot_version.hpp>
#include <utility>

#include "core/engine_text.hpp"
#include "profiles/choose.hpp"
#include "profiles/device_now.hpp"

namespace sweetspot::profiles {
namespace {

enum class Weight { speeds, memory, everything };

void add(Staleness& staleness, Weight weight, std::string change) {
  staleness.changed.push_back(std::move(change));
  if (weight == Weight::everything) staleness.usable = false;
  if (weight != Weight::speeds) staleness.widens = true;
}

// Texts that both sides know, and that differ.
void compare(Staleness& staleness, Weight weight, std::string_view what, const std::string& was,
             const std::string& is) {
  if (was.empty() || is.empty() || was == is) return;
  add(staleness, weight, fmt::format("{} was {}, is {}", what, was, is));
}

// A hash says to nobody what is different, only that something is.
void compare_llama_cpp(Staleness& staleness, const std::string& was, const std::string& is) {
  const EngineText before = engine_text(was);
  const EngineText now = engine_text(is);
  if (was == is || before.build != now.build || before.hash.empty() || now.hash.empty()) {
    compare(staleness, Weight::memory, "llama.cpp", std::string(before.build),
            std::string(now.build));
    return;
  }
  add(staleness, Weight::memory,
      fmt::format("llama.cpp's program is another one than it was, of the same version ({})",
                  now.build));
}

void compare_environment(Staleness& staleness, const ProfileSet& set, const LiveMachine& live) {
  if (!live.environment || *live.environment == set.fingerprint.environment) return;
  const auto list = [](const std::vector<std::string>& variables) {
    return variables.empty() ? std::string("empty") : fmt::format("{}", fmt::join(variables, " "));
  };
  add(staleness, Weight::memory,
      fmt::format("the environment was {}, is {}", list(set.fingerprint.environment),
                  list(*live.environment)));
}

void compare_power(Staleness& staleness, const SetDevice& device, const LiveDevice& live) {
  if (!device.power_limit_w || !live.power_limit_w) return;
  if (std::abs(*device.power_limit_w - *live.power_limit_w) < 0.5) return;
  add(staleness, Weight::speeds,
      fmt::format("the power limit of {} was {:.0f} W, is {:.0f} W", device.id,
                  *device.power_limit_w, *live.power_limit_w));
}

void compare_memory(Staleness& staleness, const SetDevice& device, const LiveDevice& live) {
  if (!device.memory_total_bytes || !live.memory_total_bytes) return;
  const auto was = static_cast<double>(*device.memory_total_bytes);
  const auto is = static_cast<double>(*live.memory_total_bytes);
  // A total of 0 is a driver that failed, not a card without memory.
  if (is <= 0 || std::abs(is - was) <= kSameMemory * was) return;
  add(staleness, Weight::everything,
      fmt::format("{} had {:.2f} GiB of memory, has {:.2f} GiB", device.id, was / (1U << 30U),
                  is / (1U << 30U)));
}

void compare_device(Staleness& staleness, const SetDevice& device, const ProfileSet& set,
                    const LiveMachine& live) {
  const Found found = find_device(device, set, live);
  if (!found.here) {
    add(staleness, found.other_card ? Weight::everything : Weight::memory, found.problem);
    return;
  }
  if (found.live == nullptr) return;
  compare(staleness, Weight::memory, fmt::format("the driver of {}", device.id),
          device.driver_version.value_or(""), found.live->driver_version.value_or(""));
  compare_memory(staleness, device, *found.live);
  compare_power(staleness, device, *found.live);
}

}  // namespace

Staleness staleness(const ProfileSet& set, const LiveMachine& live) {
  Staleness result;
  if (live.model && !set.model.digest.empty() && !set.model.same_model(*live.model)) {
    add(result, Weight::everything, "the model file is another one");
  }
  for (const SetDevice& device : set.devices) compare_device(result, device, set, live);
  compare_llama_cpp(result, set.fingerprint.llama_cpp, live.llama_cpp);
  compare(result, Weight::memory, "sweetspot", set.fingerprint.tool, kVersion);
  compare_environment(result, set, live);
  compare(result, Weight::speeds, "the processor", set.fingerprint.cpu, live.cpu);
  return result;
}

}  // namespace sweetspot::profiles
