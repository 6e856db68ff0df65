#include "devices/slow_hardware.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "core/software_renderer.hpp"
#include "devices/pci.hpp"

namespace sweetspot::devices {
namespace {

// ---- the way to a card

// Bridges between a card and the processor: on the card, on the board.
constexpr int kMostBridges = 8;

std::string pci_folder(const std::string& id) { return "/sys/bus/pci/devices/" + id; }

/// Lanes of a card's link. The narrowest on its way counts: cards with a bridge of their own have a
/// wide link behind it.
struct Lanes {
  std::uint64_t used = 0;
  std::uint64_t most = 0;  ///< that the card has
};

std::optional<Lanes> lanes_of(const kernel::FileTree& tree, const std::string& id) {
  std::string folder = pci_folder(id);
  const Reading<std::uint64_t> most = tree.number(folder + "/max_link_width");
  Reading<std::uint64_t> used = tree.number(folder + "/current_link_width");
  // 0 and 255 mean that the link is down or the kernel does not know.
  constexpr std::uint64_t kWidest = 32;
  const auto known = [](const Reading<std::uint64_t>& width) {
    return width && *width > 0 && *width <= kWidest;
  };
  if (!known(most) || !known(used)) return std::nullopt;
  Lanes lanes{*used, *most};
  for (int bridge = 0; bridge < kMostBridges; ++bridge) {
    folder += "/..";
    used = tree.number(folder + "/current_link_width");
    if (!known(used)) break;
    lanes.used = std::min(lanes.used, *used);
  }
  return lanes;
}

std::string narrow_link(const kernel::FileTree& tree, const std::string& name,
                        const std::string& id) {
  const std::optional<Lanes> lanes = lanes_of(tree, id);
  if (!lanes || lanes->used >= lanes->most) return {};
  return fmt::format(
      "{} is connected by {} of its {} PCIe lanes: loading, and layers that stay on the processor, "
      "are slower; see whether the slot has more, whether another card or disk shares them, and "
      "whether the card sits firmly",
      name, lanes->used, lanes->most);
}

// ---- what a card may take

// A cap within so much of the card's own is the card's own.
constexpr double kSameCap = 0.02;

std::string capped(const std::string& name, double cap_w, double usual_w,
                   const std::string& remedy) {
  if (cap_w >= usual_w * (1 - kSameCap)) return {};
  return fmt::format(
      "{} may take {:.0f} W where {:.0f} W are usual for it: it lowers its clocks under load; if "
      "nobody means that, {}",
      name, cap_w, usual_w, remedy);
}

std::string nvml_power_limit(const DeviceReport& report, const CardAbilities& abilities) {
  const auto ability = abilities.find(*report.device.pci_bus_id);
  if (ability == abilities.end() || !report.status || !report.status->power_limit_w) return {};
  const Reading<double>& usual = ability->second.power_limit_default_w;
  if (!usual) return {};
  return capped(
      report.device.id, *report.status->power_limit_w, *usual,
      fmt::format("`nvidia-smi -i {} -pl {:.0f}` (as root) lifts it", ability->first, *usual));
}

std::string amdgpu_power_cap(const kernel::FileTree& tree, const std::string& name,
                             const std::string& id) {
  const std::string monitors = pci_folder(id) + "/hwmon";
  for (const std::string& monitor : tree.folder(monitors)) {
    const std::string folder = fmt::format("{}/{}/", monitors, monitor);
    const Reading<std::uint64_t> cap = tree.number(folder + "power1_cap");
    const Reading<std::uint64_t> usual = tree.number(folder + "power1_cap_default");
    if (!cap || !usual) continue;
    const auto watts = [](std::uint64_t microwatts) {
      return static_cast<double>(microwatts) / 1e6;
    };
    std::string sentence = capped(name, watts(*cap), watts(*usual),
                                  fmt::format("reset the cap (power1_cap in {})", folder));
    if (!sentence.empty()) return sentence;
  }
  return {};
}

// ---- the processor

constexpr const char* kCpu0 = "/sys/devices/system/cpu/cpu0/cpufreq/";

// Drivers that choose the clocks themselves call their usual way "powersave".
bool chooses_itself(const std::string& driver) {
  return driver == "intel_pstate" || driver == "amd-pstate-epp";
}

std::string slow_governor(const kernel::FileTree& tree) {
  const std::string folder = kCpu0;
  const Reading<std::string> governor = tree.text(folder + "scaling_governor");
  const Reading<std::string> driver = tree.text(folder + "scaling_driver");
  if (!governor || *governor != "powersave") return {};
  if (!driver || chooses_itself(*driver)) return {};
  return "The processor's governor is powersave, which keeps its clocks at the lowest: "
         "`cpupower frequency-set -g performance` (or schedutil) raises them";
}

std::string low_clock(const kernel::FileTree& tree) {
  constexpr double kNoticeable = 0.95;
  const std::string folder = kCpu0;
  const Reading<std::uint64_t> allowed = tree.number(folder + "scaling_max_freq");
  const Reading<std::uint64_t> most = tree.number(folder + "cpuinfo_max_freq");
  if (!allowed || !most) return {};
  const auto ghz = [](std::uint64_t khz) { return static_cast<double>(khz) / 1e6; };
  if (ghz(*allowed) >= kNoticeable * ghz(*most)) return {};
  return fmt::format(
      "The processor may run at {:.1f} of {:.1f} GHz: a power profile or scaling_max_freq holds it "
      "down; `cpupower frequency-set -u {:.1f}GHz` or the desktop's performance mode lifts that",
      ghz(*allowed), ghz(*most), ghz(*most));
}

}  // namespace

std::vector<std::string> slow_hardware(const kernel::FileTree& tree,
                                       const std::vector<DeviceReport>& devices,
                                       const CardAbilities& abilities) {
  std::vector<std::string> found;
  const auto add = [&](std::string sentence) {
    if (!sentence.empty()) found.push_back(std::move(sentence));
  };
  for (const DeviceReport& report : devices) {
    const Device& device = report.device;
    if (device.can_offload() && is_software_renderer(device.description)) {
      add(fmt::format(
          "{} ({}) is a software renderer: the processor computes, more slowly than "
          "without it; install the card's own driver, or leave it out with --device none",
          device.id, device.description));
    }
    if (!device.can_offload() || !device.pci_bus_id) continue;
    add(narrow_link(tree, device.id, *device.pci_bus_id));
    add(amdgpu_power_cap(tree, device.id, *device.pci_bus_id));
    add(nvml_power_limit(report, abilities));
  }
  add(slow_governor(tree));
  add(low_clock(tree));
  return found;
}

}  // namespace sweetspot::devices
