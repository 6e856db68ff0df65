#include "cli/llama_variables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <istream>
#include <string>
#include <string_view>

#include "cli/print.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {
namespace {

// Where llama.cpp looks for them (common/arg.cpp).
std::vector<std::string> config_files() {
  std::vector<std::string> files = {"/etc/llama.cpp/config.ini"};
  const char* folder = std::getenv("XDG_CONFIG_HOME");  // NOLINT(concurrency-mt-unsafe)
  const char* home = std::getenv("HOME");               // NOLINT(concurrency-mt-unsafe)
  if (folder != nullptr && *folder != '\0') {
    files.push_back(std::string(folder) + "/llama.cpp/config.ini");
  } else if (home != nullptr && *home != '\0') {
    files.push_back(std::string(home) + "/.config/llama.cpp/config.ini");
  }
  return files;
}

}  // namespace

std::vector<launch::Variable> config_lines(std::istream& text, const std::string& file) {
  std::vector<launch::Variable> lines;
  bool for_all = true;
  for (std::string raw; std::getline(text, raw);) {
    const std::string_view line = trimmed(std::string_view(raw).substr(0, raw.find_first_of(";#")));
    if (line.starts_with('[')) for_all = line == "[*]" || line == "[default]";
    const std::size_t equals = line.find('=');
    if (!for_all || line.starts_with('[') || equals == std::string_view::npos) continue;
    lines.push_back({std::string(trimmed(line.substr(0, equals))),
                     std::string(trimmed(line.substr(equals + 1))), file});
  }
  return lines;
}

std::vector<launch::Variable> llama_variables() {
  std::vector<launch::Variable> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (!text.starts_with("LLAMA_ARG_") || equals == std::string_view::npos) continue;
    variables.push_back(
        {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))});
  }
  for (const std::string& path : config_files()) {
    std::ifstream file(path);
    for (launch::Variable& line : config_lines(file, path)) variables.push_back(std::move(line));
  }
  return variables;
}

void note_variables(const Environment& environment, const Config& config, const KnobTexts& given,
                    bool layers_given) {
  const auto is_said = [&](const Knob* knob, const ServerFlag* flag) {
    if (knob != nullptr) {
      return knob->name == "n_gpu_layers" ? layers_given : is_given(given, knob->name);
    }
    // What every command and every export says by itself.
    return flag->kind == FlagKind::model || flag->kind == FlagKind::fit;
  };
  const auto names = launch::uncounted_variables(llama_variables(), config, is_said);
  if (names.empty()) return;
  say(environment.err,
      "sweetspot: note: llama-server reads {} besides its flags, and nothing here counts {}; "
      "unset {}, or give the flag here.\n",
      fmt::join(names, " and "), names.size() == 1 ? "it" : "them",
      names.size() == 1 ? "it" : "them");
}

}  // namespace sweetspot::cli
