// One line on stderr that is redrawn in place on a terminal and not shown anywhere else.
#pragma once

#include <string>

#include "cli/command.hpp"

namespace sweetspot::cli {

class LiveLine {
 public:
  explicit LiveLine(const Environment& environment);
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  /// `text` without newline; cut at the terminal's width.
  void show(const std::string& text);
  void clear();

 private:
  bool live_;
  int width_;
  std::string shown_;
};

}  // namespace sweetspot::cli
