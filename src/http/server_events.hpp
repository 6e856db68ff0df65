// Server-sent events: the text/event-stream format of the HTML standard, as far as servers of
// language models use it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sweetspot::http {

struct ServerEvent {
  std::string field;  ///< "data"; of old llama-servers "error" where something failed
  std::string value;  ///< lines of one event joined by newlines
};

/// Puts pieces of a stream together. Comments (lines that begin with a colon, which servers send to
/// keep a connection open) and other fields than data and error are left out.
class ServerEventReader {
 public:
  void add(std::string_view bytes) { waiting_.append(bytes); }

  /// The next event that is whole.
  std::optional<ServerEvent> next();

  /// Bytes that wait for the rest of their event.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size() + event_.value.size(); }

 private:
  std::optional<std::string_view> next_line();
  void take_field(std::string_view line);

  std::string waiting_;
  std::size_t read_ = 0;  ///< of waiting_
  ServerEvent event_;
};

}  // namespace sweetspot::http
