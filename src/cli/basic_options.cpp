#include "cli/basic_options.hpp"

#include <array>

namespace sweetspot::cli {
namespace {

constexpr std::array<std::string_view, 11> kProfile = {
    "--ctx-size",  "--device",      "--quick",   "--full", "--layers", "--vram-limit",
    "--precision", "--max-seconds", "--details", "--json", "--output"};
constexpr std::array<std::string_view, 11> kTune = {
    "--workload",   "--ctx-size",       "--max-minutes", "--vram-percent",
    "--vram-limit", "--allow-kv-quant", "--objective",   "--device",
    "--details",    "--json",           "--output"};
constexpr std::array<std::string_view, 10> kPlan = {
    "--n-gpu-layers", "--ctx-size",    "--vram-limit", "--host-memory", "--device",
    "--contexts",     "--cache-types", "--flags",      "--details",     "--json"};
constexpr std::array<std::string_view, 9> kChoose = {"--profile",      "--min-ctx", "--workload",
                                                     "--vram-percent", "--prefer",  "--reserve",
                                                     "--format",       "--details", "--json"};
constexpr std::array<std::string_view, 10> kLaunch = {
    "--profile", "--min-ctx", "--workload", "--vram-percent", "--prefer",
    "--host",    "--port",    "--adapt",    "--dry-run",      "--json"};
constexpr std::array<std::string_view, 7> kCheck = {
    "--profile",     "--engine", "--fail-if-slower", "--precision",
    "--max-seconds", "--json",   "--output"};

}  // namespace

std::span<const std::string_view> basic_options(std::string_view command) {
  if (command == "profile") return kProfile;
  if (command == "tune") return kTune;
  if (command == "plan") return kPlan;
  if (command == "check") return kCheck;
  if (command == "choose") return kChoose;
  if (command == "launch") return kLaunch;
  return {};
}

}  // namespace sweetspot::cli
