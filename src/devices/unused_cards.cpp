#include "devices/unused_cards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "devices/pci.hpp"

namespace sweetspot::devices {
namespace {

constexpr std::array<std::string_view, 2> kForNvidia = {"CUDA", "Vulkan"};
constexpr std::array<std::string_view, 3> kForAmd = {"ROCm", "HIP", "Vulkan"};
constexpr std::array<std::string_view, 2> kForIntel = {"SYCL", "Vulkan"};
constexpr std::string_view kVulkan = "Vulkan";

/// Makers of cards that a backend of ggml's works with; all others drive screens.
struct Maker {
  unsigned vendor;
  std::string_view name;
  std::string_view driver;  ///< the kernel's, which the backends need
  std::span<const std::string_view> backends;
};
constexpr std::array<Maker, 3> kMakers = {{
    {kVendorNvidia, "NVIDIA", "nvidia", kForNvidia},
    {kVendorAmd, "AMD", "amdgpu", kForAmd},
    {0x8086, "Intel", "i915 or xe", kForIntel},
}};

const Maker* maker_of(unsigned vendor) {
  const auto* const found = std::find_if(
      kMakers.begin(), kMakers.end(), [&](const Maker& maker) { return maker.vendor == vendor; });
  return found == kMakers.end() ? nullptr : &*found;
}

// The kernel's driver that has the card; empty where none has.
std::string driver_of(const kernel::FileTree& tree, const std::string& id) {
  const auto uevent = tree.text(fmt::format("/sys/bus/pci/devices/{}/uevent", id));
  constexpr std::string_view kKey = "DRIVER=";
  if (!uevent) return {};
  std::string_view rest = *uevent;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    if (line.starts_with(kKey)) return std::string(line.substr(kKey.size()));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return {};
}

std::vector<std::string_view> usable_backends(const Maker& maker, std::string_view driver,
                                              const std::vector<std::string>& backends) {
  std::vector<std::string_view> usable;
  for (const std::string_view backend : maker.backends) {
    // NVIDIA's open driver of the kernel (nouveau) serves Vulkan alone.
    if (driver == "nouveau" && backend != kVulkan) continue;
    if (std::find(backends.begin(), backends.end(), backend) != backends.end()) {
      usable.push_back(backend);
    }
  }
  return usable;
}

// The file that a backend opens, where it is not there or not ours; empty where all is well.
std::string trouble_with_file(const kernel::FileTree& tree, const std::string& path) {
  const std::string place = tree.path(path);
  if (::access(place.c_str(), F_OK) != 0) {
    return fmt::format("{} is not here; a container has to be given it", path);
  }
  if (::access(place.c_str(), R_OK | W_OK) != 0) {
    return fmt::format("this user may not open {}; its group may", path);
  }
  return {};
}

std::string trouble_with_files(const kernel::FileTree& tree, std::string_view driver) {
  if (driver == "nvidia") return trouble_with_file(tree, "/dev/nvidiactl");
  for (const std::string& name : tree.folder("/dev/dri")) {
    if (name.starts_with("renderD")) return trouble_with_file(tree, "/dev/dri/" + name);
  }
  return "/dev/dri has no render node; a container has to be given it";
}

std::string why_not(const kernel::FileTree& tree, const PciDevice& card, const Maker& maker,
                    const std::vector<std::string>& backends) {
  const std::string driver = driver_of(tree, card.id);
  if (driver.empty()) {
    return fmt::format("the kernel has no driver for it loaded ({})", maker.driver);
  }
  if (driver == "vfio-pci" || driver == "pci-stub") {
    return fmt::format("it is kept for virtual machines ({})", driver);
  }
  const auto usable = usable_backends(maker, driver, backends);
  if (usable.empty()) {
    return fmt::format(
        "its driver is {}, and this llama.cpp has, or could load, none of the backends for it ({})",
        driver, fmt::join(maker.backends, ", "));
  }
  if (std::string trouble = trouble_with_files(tree, driver); !trouble.empty()) return trouble;
  return fmt::format(
      "its driver is {}, but llama.cpp's {} finds no device: the driver's library "
      "for it may be missing",
      driver, fmt::join(usable, " and "));
}

bool is_used(const std::string& id, const std::vector<Device>& devices) {
  return std::any_of(devices.begin(), devices.end(), [&](const Device& device) {
    return device.pci_bus_id && normalise_pci_id(*device.pci_bus_id) == id;
  });
}

}  // namespace

std::vector<std::string> unused_cards(const kernel::FileTree& tree,
                                      const std::vector<Device>& devices,
                                      const std::vector<std::string>& backends) {
  const auto local_gpu = [](const Device& device) {
    return device.can_offload() && device.backend != "RPC";
  };
  const bool any = std::any_of(devices.begin(), devices.end(), local_gpu);
  const bool all_have_address = std::all_of(
      devices.begin(), devices.end(),
      [&](const Device& device) { return !local_gpu(device) || device.pci_bus_id.has_value(); });
  std::vector<std::string> sentences;
  if (any && !all_have_address) return sentences;
  for (const PciDevice& card : list_pci_gpus(tree)) {
    if (is_used(card.id, devices)) continue;
    const Maker* const maker = maker_of(card.vendor);
    if (maker != nullptr) {
      sentences.push_back(fmt::format(
          "{} is a card of {} ({:04x}:{:04x}) that llama.cpp cannot use: {}", card.id, maker->name,
          card.vendor, card.device, why_not(tree, card, *maker, backends)));
    } else if (!any) {
      sentences.push_back(fmt::format(
          "{} is a display adapter ({:04x}:{:04x}) that no backend of llama.cpp computes on",
          card.id, card.vendor, card.device));
    }
  }
  return sentences;
}

}  // namespace sweetspot::devices
