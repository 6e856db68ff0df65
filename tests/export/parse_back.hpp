// Readers of the grammars that exports are written in, as small as their documents allow; each
// gives back the text that was put in.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sweetspot::exporting {

/// The text of $'...' from behind its first quote on, to the last one, where `at` is left: \'
/// \\ and three octal digits.
inline std::string dollar_quoted(std::string_view line, std::size_t& at) {
  std::string text;
  for (; at < line.size() && line[at] != '\''; ++at) {
    if (line[at] != '\\') {
      text += line[at];
    } else if (line[++at] == '\'' || line[at] == '\\') {
      text += line[at];
    } else {
      text += static_cast<char>(std::stoi(std::string(line.substr(at, 3)), nullptr, 8));
      at += 2;
    }
  }
  return text;
}

/// Words of a POSIX shell of 2024: blanks, single quotes, $'...', backslashes outside quotes.
/// Anything else a shell would act upon outside quotes is a test failure.
inline std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '$' && i + 1 < line.size() && line[i + 1] == '\'') {
      in_word = true;
      word += dollar_quoted(line, i += 2);
    } else if (c == '\'') {
      in_word = true;
      for (++i; i < line.size() && line[i] != '\''; ++i) word += line[i];
    } else if (c == '\\') {
      in_word = true;
      if (++i < line.size()) word += line[i];
    } else if (c == ' ' || c == '\n') {
      if (in_word) words.push_back(word);
      word.clear();
      in_word = false;
    } else {
      EXPECT_EQ(std::string_view("$`\"|&;<>(){}*?[]#~!\t\r").find(c), std::string_view::npos)
          << "unquoted " << c << " in " << line;
      in_word = true;
      word += c;
    }
  }
  if (in_word) words.push_back(word);
  return words;
}

/// The text of a double-quoted YAML scalar without line breaks: \" \\ \xNN \UNNNNNNNN.
inline std::string yaml_scalar(std::string_view quoted) {
  std::string text;
  EXPECT_TRUE(quoted.size() >= 2 && quoted.front() == '"' && quoted.back() == '"') << quoted;
  quoted = quoted.substr(1, quoted.size() - 2);
  const auto append = [&](unsigned long point) {
    if (point < 0x80) {
      text += static_cast<char>(point);
    } else if (point < 0x800) {
      text +=
          {static_cast<char>(0xC0U | (point >> 6U)), static_cast<char>(0x80U | (point & 0x3FU))};
    } else if (point < 0x10000) {
      text += {static_cast<char>(0xE0U | (point >> 12U)),
               static_cast<char>(0x80U | ((point >> 6U) & 0x3FU)),
               static_cast<char>(0x80U | (point & 0x3FU))};
    } else {
      text += {static_cast<char>(0xF0U | (point >> 18U)),
               static_cast<char>(0x80U | ((point >> 12U) & 0x3FU)),
               static_cast<char>(0x80U | ((point >> 6U) & 0x3FU)),
               static_cast<char>(0x80U | (point & 0x3FU))};
    }
  };
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    EXPECT_NE(quoted[i], '"');
    EXPECT_NE(quoted[i], '\n');
    if (quoted[i] != '\\') {
      text += quoted[i];
      continue;
    }
    const char kind = quoted[++i];
    const std::size_t digits = kind == 'x' ? 2 : kind == 'U' ? 8 : 0;
    if (digits == 0) {
      text += kind;
    } else {
      append(std::stoul(std::string(quoted.substr(i + 1, digits)), nullptr, 16));
      i += digits;
    }
  }
  return text;
}

/// Keys of the only section of a preset, comments and blank lines left out, as llama.cpp reads it:
/// a value ends at ';' or '#' and loses the blanks around it.
inline std::map<std::string, std::string> ini_values(std::string_view text) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    line = line.substr(0, line.find_first_of(";#"));
    const std::size_t equals = line.find(" = ");
    if (equals == std::string_view::npos) continue;
    std::string_view value = line.substr(equals + 3);
    while (!value.empty() && value.back() == ' ') value.remove_suffix(1);
    values[std::string(line.substr(0, equals))] = value;
  }
  return values;
}

/// The value of a Modelfile's FROM, line by line as Ollama reads it: a value ends with the first
/// line at whose end its quotes are closed; without quotes with its own line. Blanks around it go.
inline std::string modelfile_from(std::string_view text) {
  while (text.starts_with('#')) text.remove_prefix(text.find('\n') + 1);
  EXPECT_TRUE(text.starts_with("FROM ")) << text;
  text.remove_prefix(5);
  const auto trimmed = [](std::string_view value) {
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
      value.remove_prefix(1);
    }
    return value;
  };
  const std::string_view quote = text.starts_with(R"(""")") ? R"(""")" : "\"";
  if (!text.starts_with(quote)) return std::string(trimmed(text.substr(0, text.find('\n'))));
  for (std::size_t end = text.find('\n'); end != std::string_view::npos;
       end = text.find('\n', end + 1)) {
    const std::string_view value = trimmed(text.substr(0, end));
    if (value.size() >= 2 * quote.size() && value.ends_with(quote)) {
      return std::string(value.substr(quote.size(), value.size() - 2 * quote.size()));
    }
  }
  ADD_FAILURE() << "quotes are never closed: " << text;
  return {};
}

}  // namespace sweetspot::exporting
