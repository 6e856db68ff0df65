// Our knobs in the words of one binary. A word that it does not know is never sent. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/knobs.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::dialect {

/// What is said on the command line for one thing, or why it cannot be said.
struct Spelling {
  std::vector<std::string> words;  ///< empty: nothing has to be said
  std::string lacks;               ///< a clause, "it has no --n-cpu-ffn"; empty = it can be said
};

/// One knob as `config` has it. Said even where it is llama.cpp's default, wherever defaults have
/// moved between builds or a config file may change them.
Spelling spell(const Abilities& abilities, const Knob& knob, const Config& config);

/// All knobs of a config.
struct ConfigWords {
  std::vector<std::string> words;
  std::vector<std::string> lacks;  ///< of each knob that cannot be said; empty = all of it can
};
ConfigWords spell_config(const Abilities& abilities, const Config& config);

/// What is said of one thing on a command line.
struct SaidWords {
  std::vector<std::string> words;
  const Knob* knob = nullptr;   ///< nullptr: no knob
  std::string_view flags = {};  ///< of what is no knob: llama.cpp's names of it
};

/// A command line without its program.
struct CommandWords {
  std::vector<SaidWords> said;
  std::vector<std::string> lacks;  ///< of all that cannot be said; empty = it can
};

/// All that a server is told of a config: model, RPC servers ("host:port") where a device is used,
/// knobs, and that it changes none of it.
CommandWords spell_command(const Abilities& abilities, const Config& config,
                           std::string_view model_path, const std::vector<std::string>& rpc);

/// The knobs that it cannot be told at all, by their names: nothing is searched over them, and
/// each has what the binary does by itself.
std::vector<std::string_view> knobs_lacked(const Abilities& abilities);

/// What a server is told besides a config. Each knows several spellings.
enum class Extra {
  model,         ///< value: path
  host,          ///< value: address
  port,          ///< value: number
  api_key,       ///< value: key
  rpc,           ///< value: "host:port,..."
  no_fit,        ///< nothing is changed that it was told
  no_ui,         ///< no web page
  slots,         ///< GET /slots answers
  buffer_lines,  ///< its log tells the sizes of buffers
  offline,       ///< downloads nothing
};

/// Where nothing has to be said (`no_fit` of a build without it) words and lacks are empty.
Spelling spell(const Abilities& abilities, Extra extra, std::string_view value = {});

}  // namespace sweetspot::dialect
