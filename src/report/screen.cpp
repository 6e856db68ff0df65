#include "report/screen.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sweetspot::report {
namespace {

// Wide lines are hard to read, whatever the terminal has.
constexpr int kWidestText = 100;

int text_width(const Style& style) { return std::min(style.width, kWidestText); }

}  // namespace

std::string answer_text(std::string_view text, const Style& style) {
  const std::string wrapped = wrap(text, text_width(style), 0);
  return style.color ? fmt::format("\x1b[1m{}\x1b[0m\n", wrapped) : wrapped + '\n';
}

std::string sentence_text(std::string_view text, const Style& style) {
  return wrap(text, text_width(style), 0) + '\n';
}

std::string command_text(const std::vector<std::string>& words, const Style& style) {
  constexpr std::string_view kMore = " \\\n    ";
  constexpr int kSetIn = 2;
  constexpr int kSetInBelow = 4;
  constexpr int kBackslash = 2;
  std::string text;
  int used = 0;
  for (const std::string& word : words) {
    const int width = display_width(word);
    if (text.empty()) {
      text.append(kSetIn, ' ');
      used = kSetIn;
    } else if (used + 1 + width + kBackslash > style.width) {
      text += kMore;
      used = kSetInBelow;
    } else {
      text += ' ';
      ++used;
    }
    text += word;
    used += width;
  }
  if (!text.empty()) text += '\n';
  return text;
}

std::string doubts_text(const std::vector<std::string>& notes, int lines, const Style& style) {
  std::string text;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    const std::string note = wrap("! " + notes[i], text_width(style), 2) + '\n';
    const bool is_last = i + 1 == notes.size();
    const int left = lines - lines_in(text) - (is_last ? 0 : 1);
    if (lines_in(note) > left) {
      const std::size_t more = notes.size() - i;
      return text + fmt::format("! {} {}: --details\n", more,
                                text.empty() ? (more == 1 ? "note" : "notes")
                                             : (more == 1 ? "more note" : "more notes"));
    }
    text += note;
  }
  return text;
}

std::string two_ends(std::string_view left, std::string_view right, const Style& style) {
  if (right.empty()) return fmt::format("{}\n", left);
  constexpr int kWidth = 80;
  constexpr int kGap = 2;
  const int room = std::min(style.width, kWidth) - display_width(left) - display_width(right);
  if (room < kGap) return fmt::format("{}\n{}\n", left, right);
  return fmt::format("{}{:{}}{}\n", left, "", room, right);
}

int lines_in(std::string_view text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

std::string parted(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (part.empty()) continue;
    if (!text.empty()) text += '\n';
    text += part;
  }
  return text;
}

}  // namespace sweetspot::report
