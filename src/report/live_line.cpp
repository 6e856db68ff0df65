#include "report/live_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "report/table.hpp"

namespace sweetspot::report {

LiveLine::LiveLine(Sink sink) : sink_(std::move(sink)) {}

LiveLine::~LiveLine() {
  try {
    clear();
  } catch (...) {  // NOLINT(bugprone-empty-catch): a sink that throws must not end the program here
  }
}

void LiveLine::show(std::string text) {
  if (text == shown_) return;
  // Spaces, not an erase sequence, cover what a longer line left: that works on every terminal.
  const int rest = display_width(shown_) - display_width(text);
  sink_(fmt::format("\r{}{}", text, std::string(static_cast<std::size_t>(std::max(rest, 0)), ' ')));
  shown_ = std::move(text);
}

void LiveLine::clear() {
  if (shown_.empty()) return;
  sink_(fmt::format("\r{}\r", std::string(static_cast<std::size_t>(display_width(shown_)), ' ')));
  shown_.clear();
}

}  // namespace sweetspot::report
