// What a llama-server's --help says it can be told. Pure text: nothing is started here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::dialect {

/// One flag of a help text.
struct HelpFlag {
  std::vector<std::string> names;  ///< as spelled: "-c", "--ctx-size"
  std::string takes;     ///< what stands for its value: "N", "[on|off|auto]"; empty = none
  std::string text;      ///< what is said of it, lines joined by spaces
  bool removed = false;  ///< still listed, but an error when used

  /// Whether the help lists `word` as a value: a word of its own, in quotes or between marks.
  [[nodiscard]] bool offers(std::string_view word) const;
};

struct Help {
  std::vector<HelpFlag> flags;

  /// The flag of that exact spelling; nullptr where there is none, or it was removed.
  [[nodiscard]] const HelpFlag* find(std::string_view name) const;
};

/// Every flag in what a program of llama.cpp's family prints for --help, whatever else is printed
/// around it (log lines of backends). Never fails; a text that lists none gives none.
Help read_help(std::string_view text);

}  // namespace sweetspot::dialect
