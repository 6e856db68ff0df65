// What one binary is and what it can be told, from what it says of itself: abilities, not versions,
// since flags come and go within a few builds and forks count builds of their own. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.hpp"
#include "core/enum_names.hpp"
#include "dialect/help.hpp"

namespace sweetspot::dialect {

/// Whose program it is.
enum class Family {
  llama_cpp,
  ik_llama_cpp,
  other,  ///< nothing that can be driven: no flags of a llama-server, or another API (KoboldCpp)
};

constexpr EnumNames<Family, 3> names_of(Family /*of*/) {
  return {{{Family::llama_cpp, "llama.cpp"},
           {Family::ik_llama_cpp, "ik_llama.cpp"},
           {Family::other, "other"}}};
}

/// What a program printed, both streams together.
struct ProgramTexts {
  std::string help;
  std::string version;
  std::string devices;  ///< of --list-devices; empty where it has none
};

struct Abilities {
  Family family = Family::other;
  std::string version;                 ///< "0.7.0 (build 11669, commit Debian)"; empty = not said
  std::optional<std::uint64_t> build;  ///< for people to read: a fork counts its own
  std::vector<Device> devices;         ///< that layers can be offloaded to, as it lists them
  bool lists_devices = false;          ///< it can be asked, so an empty list means none
  Help help;

  [[nodiscard]] bool knows(std::string_view flag) const { return help.find(flag) != nullptr; }
};

Abilities read_abilities(const ProgramTexts& texts);

/// The text behind "version: " of what --version prints, else its first line that is no log line;
/// safe for a terminal. Empty where there is none.
std::string read_version(std::string_view text);

/// The number behind "build ", else before " (", else behind "b" at the start.
std::optional<std::uint64_t> build_of(std::string_view version);

/// The devices of --list-devices: "  CUDA0: NVIDIA RTX 4050 (6140 MiB, 5900 MiB free)".
std::vector<Device> read_device_list(std::string_view text);

}  // namespace sweetspot::dialect
