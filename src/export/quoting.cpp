#include "export/quoting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/text.hpp"

namespace sweetspot::exporting {
namespace {

bool is_ascii_letter_or_digit(char c) {
  return static_cast<unsigned char>(c) < 0x80 && std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_ascii_letter_or_digit(c) ||
           std::string_view("-_./:=,+%@").find(c) != std::string_view::npos;
  });
}

}  // namespace

std::string shell_word(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string(R"('\'')") : std::string(1, c);
  return word + "'";
}

std::string pasted_word(std::string_view text) {
  if (is_printable(text)) return shell_word(text);
  std::string word = "$'";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      word += {'\\', c};
    } else if (byte >= 0x20 && byte < 0x7F) {
      word += c;
    } else {  // always three digits, so that one that follows is none of them
      word += fmt::format("\\{:03o}", static_cast<unsigned>(byte));
    }
  }
  return word + "'";
}

std::string yaml_string(std::string_view text) {
  std::string scalar = "\"";
  while (!text.empty()) {
    const char first = text.front();
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
      ++length;
    }
    // Control characters, line separators and the like: what a terminal must not see, YAML must not
    // see either.
    const std::string_view character = text.substr(0, length);
    if (first == '"' || first == '\\') {
      scalar += '\\';
      scalar += first;
    } else if (const std::string shown = printable(character); shown == character) {
      scalar += character;
    } else if (static_cast<unsigned char>(first) < 0x80) {
      scalar += fmt::format("\\x{:02x}", static_cast<unsigned>(first));
    } else {  // shown as \u{XXXX}
      const std::string digits = shown.substr(3, shown.size() - 4);
      scalar += fmt::format("\\U{:0>8}", digits);
    }
    text.remove_prefix(length);
  }
  return scalar + "\"";
}

std::string plain_id(std::string_view name) {
  std::string id;
  const std::string shown = printable(name, name.size());
  for (const char c : shown) {
    const bool stays = is_ascii_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
                       c == '.' || c == '_' || c == '-';
    if (stays) {
      id += c;
    } else if (!id.empty() && id.back() != '-') {
      id += '-';
    }
  }
  while (!id.empty() && id.back() == '-') id.pop_back();
  return id.empty() ? "model" : id;
}

std::string comment_lines(std::string_view lead, const std::vector<std::string>& notes) {
  std::string lines;
  for (const std::string& note : notes) {
    lines += fmt::format("{} {}.\n", lead, printable(note, 1000));
  }
  return lines;
}

}  // namespace sweetspot::exporting
