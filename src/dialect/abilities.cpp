#include "dialect/abilities.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "core/text.hpp"
#include "ground/bytes.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::dialect {
namespace {

constexpr std::size_t kMostVersionChars = 120;

// Digits at the start of the text.
std::optional<std::uint64_t> leading_number(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return number_of(text.substr(0, end));
}

Family family_of(const Help& help) {
  const auto knows = [&help](std::string_view flag) { return help.find(flag) != nullptr; };
  const bool server = (knows("--model") || knows("-m")) && knows("--port") && knows("--ctx-size");
  if (!server || knows("--usecublas")) return Family::other;
  // Flags that only ik_llama.cpp has.
  if (knows("--run-time-repack") || knows("-rtr") || knows("--fit-margin")) {
    return Family::ik_llama_cpp;
  }
  return Family::llama_cpp;
}

// "6140 MiB" at the start of the text.
Reading<std::uint64_t> mib_at(std::string_view text) {
  const auto mib = leading_number(text);
  if (!mib) return Absence{"llama-server does not list it"};
  return times(*mib, kMiB);
}

// ggml names devices after their backend: CUDA0, Vulkan1, RPC0, RPC[127.0.0.1:50052], MTL0.
std::string backend_of(std::string_view id) {
  const std::size_t end = id.find_first_of("0123456789[");
  const std::string_view letters = id.substr(0, end);
  return letters == "MTL" ? "Metal" : std::string(letters);
}

// The parts of "ID: description (T MiB, F MiB free)".
std::optional<Device> device_of_line(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const std::size_t open = line.rfind('(');
  if (!line.starts_with("  ") || colon == std::string_view::npos ||
      open == std::string_view::npos || open < colon || line.find("MiB", open) == open) {
    return std::nullopt;
  }
  const std::string_view id = trimmed(line.substr(0, colon));
  const std::string_view memory = line.substr(open + 1);
  if (id.empty() || id.find(' ') != std::string_view::npos || !leading_number(memory)) {
    return std::nullopt;
  }
  Device device;
  device.id = printable(id, kMostVersionChars);
  device.description = printable(trimmed(line.substr(colon + 2, open - colon - 2)), 200);
  device.backend = printable(backend_of(id), kMostVersionChars);
  device.type = DeviceType::gpu;
  device.pci_bus_id = Absence{"llama-server does not list it"};
  device.memory_total_bytes = mib_at(memory);
  const std::size_t comma = memory.find(", ");
  device.memory_free_bytes =
      mib_at(comma == std::string_view::npos ? "" : memory.substr(comma + 2));
  return device;
}

}  // namespace

std::string read_version(std::string_view text) {
  constexpr std::string_view kVersion = "version: ";
  std::string_view first;
  for (const std::string_view line : lines_of(text)) {
    const std::size_t at = line.find(kVersion);
    if (at != std::string_view::npos) {
      return printable(trimmed(line.substr(at + kVersion.size())), kMostVersionChars);
    }
    if (first.empty() && !trimmed(line).empty() && line.find(": ") == std::string_view::npos) {
      first = trimmed(line);
    }
  }
  return printable(first, kMostVersionChars);
}

std::optional<std::uint64_t> build_of(std::string_view version) {
  constexpr std::string_view kBuild = "build ";
  if (const std::size_t at = version.find(kBuild); at != std::string_view::npos) {
    return leading_number(version.substr(at + kBuild.size()));
  }
  if (version.starts_with('b')) return leading_number(version.substr(1));
  const std::size_t open = version.find(" (");
  return open == std::string_view::npos ? std::nullopt : number_of(version.substr(0, open));
}

std::vector<Device> read_device_list(std::string_view text) {
  std::vector<Device> devices;
  bool listing = false;  // what backends log before the list can look like anything
  for (const std::string_view line : lines_of(text)) {
    if (line.find("Available devices:") != std::string_view::npos) {
      listing = true;
    } else if (auto device = listing ? device_of_line(line) : std::nullopt) {
      devices.push_back(*std::move(device));
    }
  }
  return devices;
}

Abilities read_abilities(const ProgramTexts& texts) {
  Abilities abilities;
  abilities.help = read_help(texts.help);
  abilities.family = family_of(abilities.help);
  abilities.version = read_version(texts.version);
  abilities.build = build_of(abilities.version);
  abilities.lists_devices = abilities.knows("--list-devices");
  abilities.devices = read_device_list(texts.devices);
  return abilities;
}

}  // namespace sweetspot::dialect
