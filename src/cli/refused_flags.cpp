#include "cli/refused_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace sweetspot::cli {
namespace {

constexpr std::array<std::string_view, 3> kPlanning = {"plan", "profile", "tune"};

bool plans(std::string_view command) {
  return std::find(kPlanning.begin(), kPlanning.end(), command) != kPlanning.end();
}

// What is not in any figure of ours where the server is told a flag of that kind.
std::string_view left_out(FlagKind kind) {
  switch (kind) {
    case FlagKind::adapter:
      return "adapters beside the model's weights";
    case FlagKind::projector:
      return "a projector for pictures and sound";
    case FlagKind::draft:
    case FlagKind::speculation:
      return "drafting: one model, token by token";
    case FlagKind::embeddings:
      return "embeddings and reranking: a model that generates";
    case FlagKind::host_cache:
      return "what a server keeps in host memory beside the model";
    default:
      return "what it changes in memory";
  }
}

std::string why_not(FlagKind kind) {
  switch (kind) {
    case FlagKind::download:
      return "Sweetspot downloads no models";
    case FlagKind::fit:
      return "Sweetspot itself finds what fits, and exports --fit off";
    case FlagKind::rope:
      return "the model is measured with the RoPE that its file says";
    case FlagKind::speed:
      return "speeds are measured without it";
    case FlagKind::program:
      return "it is the server's alone, neither memory nor speed depends on it";
    default:
      return fmt::format("Sweetspot plans and measures without {}", left_out(kind));
  }
}

std::string instead(FlagKind kind) {
  switch (kind) {
    case FlagKind::download:
      return "download the file and give its path; plan needs only its first megabytes";
    case FlagKind::rope:
      return "leave it out: memory and speed are the same; --allow-untrained-ctx allows a longer "
             "context";
    case FlagKind::fit:
    case FlagKind::speed:
    case FlagKind::program:
      return "leave it out here";
    default:
      return "leave it out, and keep room for it with --reserve of plan, choose or launch";
  }
}

// Before a command is named there is only the program.
std::string does_not_take(std::string_view command, std::string_view typed) {
  return fmt::format("{} does not take {}", command.empty() ? "sweetspot" : command, typed);
}

}  // namespace

std::string see_help(std::string_view command) {
  return fmt::format("see sweetspot {}{}--help", command, command.empty() ? "" : " ");
}

Error refused_knob(std::string_view command, std::string_view typed) {
  const std::string does_not = does_not_take(command, typed);
  if (command == "choose" || command == "launch") {
    const std::string_view behind =
        command == "launch" ? ", or give it to the program after `--`" : "";
    return {
        ErrorKind::usage, does_not + ": the profile says it",
        fmt::format("measure profiles with it (sweetspot profile MODEL {} ...){}", typed, behind)};
  }
  return {ErrorKind::usage, does_not, see_help(command)};
}

Error refused_flag(std::string_view command, std::string_view typed, FlagKind kind) {
  const std::string does_not = does_not_take(command, typed);
  if (kind != FlagKind::download && command == "launch") {
    return {
        ErrorKind::usage, does_not + ", which is llama-server's",
        fmt::format("give it after `--`: sweetspot launch MODEL -- llama-server {} ...", typed)};
  }
  if (plans(command) || command == "choose" || kind == FlagKind::download) {
    return {ErrorKind::usage, fmt::format("{}: {}", does_not, why_not(kind)), instead(kind)};
  }
  return {ErrorKind::usage, does_not + ", which is llama-server's", see_help(command)};
}

}  // namespace sweetspot::cli
