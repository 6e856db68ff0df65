#include "devices/pci.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "ground/pieces.hpp"

namespace sweetspot::devices {
namespace {

constexpr const char* kPciFolder = "/sys/bus/pci/devices";

std::optional<std::uint32_t> hex(std::string_view text, std::size_t max_digits) {
  if (text.empty() || text.size() > max_digits) return std::nullopt;
  return hex_number_of<std::uint32_t>(text);
}

std::optional<std::uint32_t> hex_file(const kernel::FileTree& tree, const std::string& path) {
  const Reading<std::string> text = tree.text(path);
  if (!text || !text->starts_with("0x")) return std::nullopt;
  return hex(std::string_view(*text).substr(2), 8);
}

bool is_gpu_class(std::uint32_t pci_class) {
  constexpr std::uint32_t kDisplay = 0x03;
  constexpr std::uint32_t kAccelerator = 0x12;
  const std::uint32_t base = pci_class >> 16U;
  return base == kDisplay || base == kAccelerator;
}

}  // namespace

std::optional<std::string> normalise_pci_id(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto function = hex(text.substr(dot + 1), 1);
  std::string_view rest = text.substr(0, dot);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto device = hex(rest.substr(colon + 1), 2);
  rest = rest.substr(0, colon);
  const auto domain_colon = rest.rfind(':');
  const bool has_domain = domain_colon != std::string_view::npos;
  const auto bus = hex(has_domain ? rest.substr(domain_colon + 1) : rest, 2);
  const auto domain = has_domain ? hex(rest.substr(0, domain_colon), 8) : 0U;
  if (!function || !device || !bus || !domain) return std::nullopt;
  return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", *domain, *bus, *device, *function);
}

std::vector<PciDevice> list_pci_gpus(const kernel::FileTree& tree) {
  std::vector<PciDevice> found;
  for (const std::string& name : tree.folder(kPciFolder)) {
    const std::string folder = fmt::format("{}/{}", kPciFolder, name);
    const auto id = normalise_pci_id(name);
    const auto pci_class = hex_file(tree, folder + "/class");
    if (!id || !pci_class || !is_gpu_class(*pci_class)) continue;
    PciDevice device;
    device.id = *id;
    device.vendor = hex_file(tree, folder + "/vendor").value_or(0);
    device.device = hex_file(tree, folder + "/device").value_or(0);
    device.suspended = is_suspended(tree, *id);
    found.push_back(device);
  }
  return found;
}

bool is_suspended(const kernel::FileTree& tree, const std::string& pci_id) {
  const auto state = tree.text(fmt::format("{}/{}/power/runtime_status", kPciFolder, pci_id));
  // "suspending" counts too: a call now would turn the device round on its way to sleep.
  return state && (*state == "suspended" || *state == "suspending");
}

}  // namespace sweetspot::devices
