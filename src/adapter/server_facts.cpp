#include "adapter/server_facts.hpp"

#include <algorithm>
#include <array>

#include "adapter/answer_json.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::adapter {
namespace {

constexpr std::size_t kLongestLine = 400;

std::optional<std::uint32_t> tokens_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  const auto value = found->get<std::uint64_t>();
  return value <= 0x7fffffff ? std::optional(static_cast<std::uint32_t>(value)) : std::nullopt;
}

/// Words that tell of a problem in the lines of any build, with a level or without one.
constexpr std::array<std::string_view, 18> kProblemWords = {
    "error",   "Error",   "ERROR",         "failed",    "Failed",    "GGML_ASSERT",
    "abort",   "unable",  "cannot",        "couldn't",  "invalid",   "unknown",
    "what():", "exceeds", "out of memory", "corrupted", "not found", "terminate called"};

/// "0.00.218.126 E srv  start: couldn't bind" -> level E: builds from 9151 on begin lines so.
char level_of(std::string_view line) {
  const std::size_t space = line.find(' ');
  const bool stamped =
      space != std::string_view::npos && space + 2 < line.size() && line[space + 2] == ' ' &&
      line.substr(0, space).find_first_not_of("0123456789.") == std::string_view::npos;
  return stamped ? line[space + 1] : '\0';
}

std::string_view without_stamp(std::string_view line) {
  return level_of(line) == '\0' ? line : line.substr(line.find(' ') + 3);
}

/// What it says of our own question without a key, which it has to refuse.
bool is_of_our_asking(std::string_view line) {
  return line.find("nvalid API Key") != std::string_view::npos;
}

bool tells_of_a_problem(std::string_view line) {
  if (is_of_our_asking(line)) return false;
  const char level = level_of(line);
  if (level != '\0') return level == 'E' || level == 'W';
  return std::any_of(kProblemWords.begin(), kProblemWords.end(), [&](std::string_view word) {
    return line.find(word) != std::string_view::npos;
  });
}

}  // namespace

std::optional<ServerProps> parse_props(std::string_view body) {
  const nlohmann::json object = parse_json(body);
  if (!object.is_object()) return std::nullopt;
  const auto settings = object.find("default_generation_settings");
  const auto slots = tokens_in(object, "total_slots");
  if (!slots || settings == object.end() || !settings->is_object()) return std::nullopt;
  const auto n_ctx = tokens_in(*settings, "n_ctx");
  if (!n_ctx) return std::nullopt;
  return ServerProps{*slots, *n_ctx};
}

bool any_slot_works(std::string_view body) {
  const nlohmann::json slots = parse_json(body);
  if (!slots.is_array()) return false;
  return std::any_of(slots.begin(), slots.end(), [](const nlohmann::json& slot) {
    return slot.is_object() &&
           slot.value("is_processing", nlohmann::json(false)) == nlohmann::json(true);
  });
}

std::vector<std::string> problem_lines(std::string_view log, std::size_t most) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(log, '\n')) {
    if (!tells_of_a_problem(line)) continue;
    if (lines.size() == most) lines.erase(lines.begin());
    lines.emplace_back(line.substr(0, kLongestLine));
  }
  return lines;
}

std::string last_problem(std::string_view log) {
  std::string_view last;
  std::string_view last_of_any;
  for (const std::string_view line : split(log, '\n')) {
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (is_of_our_asking(line)) continue;
    last_of_any = line;
    // These say only that it leaves: the line before them says why.
    const bool leaves = line.find("exiting due to") != std::string_view::npos ||
                        line.find("cleaning up before exit") != std::string_view::npos;
    if (tells_of_a_problem(line) && !leaves) last = line;
  }
  return std::string(without_stamp(last.empty() ? last_of_any : last).substr(0, kLongestLine));
}

}  // namespace sweetspot::adapter
