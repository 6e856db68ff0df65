// What the tests of texts share: a style without colour, lines, and the golden texts.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "golden/read_golden.hpp"
#include "report/table.hpp"

namespace sweetspot::report::test {

inline constexpr Style kPlain{false, 100};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// The first line that holds `part`; empty where none does.
inline std::string line_with(const std::string& text, const std::string& part) {
  for (const std::string& line : lines_of(text)) {
    if (line.find(part) != std::string::npos) return line;
  }
  return {};
}

/// The golden texts are few, so that a change to one is read. To accept what is printed now, copy
/// it.
inline std::string golden(const std::string& name) { return tests::read_golden(name); }

}  // namespace sweetspot::report::test
