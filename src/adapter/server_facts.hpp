// What a llama-server says of itself: /props, /slots, and the lines of its log that say why it
// failed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::adapter {

struct ServerProps {
  std::uint32_t slots = 0;
  std::uint32_t n_ctx_slot = 0;
};

/// Nothing where the answer is of another form.
std::optional<ServerProps> parse_props(std::string_view body);

/// From /slots. False where it is not told.
bool any_slot_works(std::string_view body);

/// Lines that tell of a problem, oldest first, at most `most`.
std::vector<std::string> problem_lines(std::string_view log, std::size_t most = 50);

/// The last of them without its prefix of time and level; else the last line; empty where it
/// printed nothing.
std::string last_problem(std::string_view log);

}  // namespace sweetspot::adapter
