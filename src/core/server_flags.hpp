// The flags of llama-server that are no knobs: which of them change what a profile is about.
//
// One table for what a command refuses, what `launch` passes on without a word and what it says is
// not counted. Together with the table of knobs (core/knobs.hpp) it holds every flag of
// llama-server.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/knobs.hpp"

namespace sweetspot {

enum class FlagKind {
  shorthand,    ///< sets a knob to one value
  model,        ///< names the model's file
  servers,      ///< names RPC servers
  download,     ///< a model from elsewhere
  fit,          ///< lets llama-server change what it was not told
  adapter,      ///< weights beside the model's
  projector,    ///< a second model, for pictures and sound
  draft,        ///< a second model, or heads, that guess tokens
  speculation,  ///< how tokens are guessed
  embeddings,   ///< whole inputs instead of tokens one by one
  host_cache,   ///< what a server keeps in host memory besides the model
  memory,       ///< changes what is allocated in another way
  rope,         ///< where a token is said to stand
  speed,        ///< changes how fast it computes
  program,      ///< of requests, answers and the server: neither memory nor speed
};

struct ServerFlag {
  std::string_view names;        ///< comma separated, as llama-server's help has them
  std::size_t values;            ///< words that follow it
  std::string_view environment;  ///< the variable that says the same; empty = none
  FlagKind kind;
  std::string_view knob = {};  ///< of a shorthand: the knob it sets, and to what
  std::string_view text = {};
};

/// Every flag that is no knob, in the order of llama-server's help. Static storage.
std::span<const ServerFlag> server_flags();

/// Whether a server that is told this takes other memory than the profile's figures say.
bool changes_memory(FlagKind kind);

/// As llama.cpp's programs read it: in a long name "_" is "-".
std::string flag_spelling(std::string_view argument);

/// Whether `name` is one of the comma separated `names`.
bool is_one_of(std::string_view names, std::string_view name);

/// The flag of that spelling, or nullptr.
const ServerFlag* find_server_flag(std::string_view name);
/// The knob that a flag of that spelling belongs to, or nullptr.
const Knob* find_knob_of_flag(std::string_view name);

/// A flag on llama-server's command line. Of one that no table has, a word behind it that is no
/// flag counts as its value.
struct ServerArgument {
  std::string name;  ///< as typed
  const Knob* knob = nullptr;
  const ServerFlag* flag = nullptr;
  std::vector<std::string> values = {};

  /// What it sets a knob to; of a switch "on" or "off".
  [[nodiscard]] std::string knob_text() const;
  /// The knob it sets: its own or a shorthand's. nullptr = none.
  [[nodiscard]] const Knob* sets() const;
};

/// The flags of a command line without the program's name. "--name=value" is read too, although
/// llama-server does not: other programs' wrappers do. A value is never taken for a flag.
std::vector<ServerArgument> read_server_arguments(std::span<const std::string> words);

}  // namespace sweetspot
