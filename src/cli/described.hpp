// The command line as values: what help pages, man pages and completions are written from. One
// description, that of the parser itself, so that none of them can forget a flag.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

struct DescribedOption {
  std::vector<std::string> flags;    ///< "-c", "--ctx-size": short ones first; none of a positional
  std::string value;                 ///< "N"; empty where it takes none
  std::string text;                  ///< what it does, with its default
  std::string group;                 ///< what a person decides with it
  std::vector<std::string> choices;  ///< words it takes, where they are few
  std::string positional;            ///< "MODEL.gguf"; empty where it has none
  bool required = false;
};

struct DescribedCommand {
  std::string name;                      ///< "sweetspot profile"
  std::string summary;                   ///< one sentence without a full stop
  std::vector<DescribedOption> options;  ///< hidden ones left out; grouped
  std::vector<std::string> groups;       ///< in the order in which they are shown
  std::vector<std::string> examples;     ///< lines: a command, and what it is for
  std::string notes;                     ///< other lines for the long page
  std::vector<DescribedCommand> commands;

  /// Without the commands above it: "profile".
  [[nodiscard]] std::string own_name() const { return name.substr(name.rfind(' ') + 1); }

  /// "[options] MODEL.gguf"
  [[nodiscard]] std::string usage() const;
};

/// The group of the options that most people use. It is shown first, and alone on the short page.
inline constexpr std::string_view kBasicGroup = "Basic";

/// `app` and all its subcommands. The footer of each is its notes, then "Examples:" and its
/// examples.
DescribedCommand describe(const CLI::App& app);

}  // namespace sweetspot::cli
