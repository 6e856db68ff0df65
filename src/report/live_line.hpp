// One line that is redrawn in place on a terminal and leaves nothing behind.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace sweetspot::report {

/// Where progress goes.
using Sink = std::function<void(std::string_view)>;

/// Not thread safe. Takes its line away when it ends.
class LiveLine {
 public:
  explicit LiveLine(Sink sink);
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// `text` without newline, no wider than the terminal; the same text again writes nothing.
  void show(std::string text);
  void clear();

  /// What stands there now; empty after clear().
  [[nodiscard]] const std::string& shown() const { return shown_; }

 private:
  Sink sink_;
  std::string shown_;
};

}  // namespace sweetspot::report
