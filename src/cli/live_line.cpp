#include "cli/live_line.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "report/table.hpp"

namespace sweetspot::cli {

LiveLine::LiveLine(const Environment& environment)
    : live_(environment.stderr_is_terminal), width_(environment.width) {}

LiveLine::~LiveLine() { clear(); }

void LiveLine::show(const std::string& text) {
  if (!live_ || text == shown_) return;
  fmt::print(stderr, "\r\x1b[K{}", report::cut_to_width(text, width_ - 1));
  std::fflush(stderr);
  shown_ = text;
}

void LiveLine::clear() {
  if (shown_.empty()) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_.clear();
}

}  // namespace sweetspot::cli
