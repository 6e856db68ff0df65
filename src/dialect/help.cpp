#include "dialect/help.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "ground/pieces.hpp"

namespace sweetspot::dialect {
namespace {

bool is_alnum(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

// "-c", "--ctx-size": a hyphen or two, then a letter, then letters, digits and hyphens.
std::string_view flag_at(std::string_view text) {
  const std::size_t letter = text.find_first_not_of('-');
  if (letter == 0 || letter > 2 || letter == std::string_view::npos || !is_alnum(text[letter])) {
    return {};
  }
  std::size_t end = letter;
  while (end < text.size() && (is_alnum(text[end]) || text[end] == '-' || text[end] == '_')) ++end;
  return text.substr(0, end);
}

std::string_view without_spaces(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

// A line that begins with a flag near the left edge; what is said of a flag stands far to the
// right.
std::optional<HelpFlag> flag_of_line(std::string_view line) {
  constexpr std::size_t kMostIndent = 12;
  if (line.size() - without_spaces(line).size() > kMostIndent) return std::nullopt;
  std::string_view rest = without_spaces(line);
  HelpFlag flag;
  for (;;) {
    const std::string_view name = flag_at(rest);
    if (name.empty()) break;
    flag.names.emplace_back(name);
    rest.remove_prefix(name.size());
    if (!rest.starts_with(',')) break;
    rest = without_spaces(rest.substr(1));
  }
  if (flag.names.empty()) return std::nullopt;
  // One space leads to what it takes, two or more to what is said of it.
  if (rest.starts_with(' ') && !rest.starts_with("  ")) {
    rest.remove_prefix(1);
    const std::size_t end = rest.find("  ");
    flag.takes = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  } else if (rest.starts_with('=') || rest.starts_with('[')) {
    flag.takes = rest.substr(0, rest.find(' '));
    rest.remove_prefix(flag.takes.size());
  }
  flag.text = trimmed(rest);
  return flag;
}

bool says_removed(std::string_view text) {
  return text.find("has been removed") != std::string_view::npos ||
         text.find("argument removed") != std::string_view::npos;
}

}  // namespace

bool HelpFlag::offers(std::string_view word) const {
  for (const std::string_view where : {std::string_view(takes), std::string_view(text)}) {
    for (std::size_t at = where.find(word); at != std::string_view::npos;
         at = where.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      const auto part_of_word = [](char c) { return is_alnum(c) || c == '_' || c == '+'; };
      const bool begins = at == 0 || !part_of_word(where[at - 1]);
      if (begins && (end == where.size() || !part_of_word(where[end]))) return true;
    }
  }
  return false;
}

const HelpFlag* Help::find(std::string_view name) const {
  for (const HelpFlag& flag : flags) {
    if (flag.removed) continue;
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

Help read_help(std::string_view text) {
  Help help;
  bool open = false;  // lines that follow still speak of the last flag
  for (const std::string_view line : lines_of(text)) {
    if (trimmed(line).empty()) {
      open = open && !line.empty();  // some texts have a line of spaces between their own
    } else if (auto flag = flag_of_line(line)) {
      help.flags.push_back(*std::move(flag));
      open = true;
    } else if (open && line.starts_with(' ')) {
      std::string& said = help.flags.back().text;
      if (!said.empty()) said += ' ';
      said += trimmed(line);
    }
  }
  for (HelpFlag& flag : help.flags) flag.removed = says_removed(flag.text);
  return help;
}

}  // namespace sweetspot::dialect
