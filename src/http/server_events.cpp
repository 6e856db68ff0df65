#include "http/server_events.hpp"

#include <utility>

namespace sweetspot::http {

// Without its end. A carriage return before the newline belongs to the end.
std::optional<std::string_view> ServerEventReader::next_line() {
  const std::size_t end = waiting_.find('\n', read_);
  if (end == std::string::npos) {
    waiting_.erase(0, read_);
    read_ = 0;
    return std::nullopt;
  }
  std::string_view line = std::string_view(waiting_).substr(read_, end - read_);
  read_ = end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

void ServerEventReader::take_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (name != "data" && name != "error") return;
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (event_.field.empty()) {
    event_.field = name;
  } else {
    event_.value += '\n';
  }
  event_.value += value;
}

std::optional<ServerEvent> ServerEventReader::next() {
  while (const auto line = next_line()) {
    if (!line->empty()) {
      take_field(*line);
    } else if (!event_.field.empty()) {
      return std::exchange(event_, {});
    }
  }
  return std::nullopt;
}

}  // namespace sweetspot::http
