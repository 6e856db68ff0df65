// The one table of knobs: everything a Config can set, with the names it goes by everywhere.
//
// The CLI makes its options from it, JSON its fields, tables their columns. A new knob is one row
// here and one member in core/config.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "core/fields.hpp"

namespace sweetspot {

using KnobValue =
    std::variant<bool, std::int64_t, std::string, std::vector<std::string>, std::vector<double>>;

struct Knob {
  std::string_view name;  ///< JSON field, llama.cpp's parameter name
  /// As llama.cpp's programs spell them, comma separated, each short one before its long one:
  /// "-c,--ctx-size". A knob that is on or off takes no value: "-kvo,--kv-offload,-nkvo,
  /// --no-kv-offload", where the names that begin with "no-" switch it off.
  std::string_view flags;
  /// The variable that llama-server reads it from; empty where it reads none.
  std::string_view environment;
  std::string_view metavar;  ///< what --help shows for the value; empty where it takes none
  std::string_view help;
  KnobValue (*get)(const Config&);
  /// Parses `text` into `config`; lists are comma separated. Errors name the flag and what it
  /// takes.
  Status (*set)(Config& config, std::string_view text);
  bool server_only = false;  ///< one of ServerSettings, which only llama-server takes
};

/// Every knob, in the order they are shown. Static storage; thread safe.
std::span<const Knob> knobs();

/// True for a knob that is on or off.
bool is_switch(const Knob& knob);

/// A value as llama.cpp's programs take it: lists joined by commas, switches "on" and "off".
std::string knob_text(const KnobValue& value);

/// The knob of that JSON name, or nullptr.
const Knob* find_knob(std::string_view name);

// In the words of the table, and what is no knob. One that is not said has its default.
void fields(auto& f, Is<Config> auto& config) {
  for (const Knob& knob : knobs()) f.knob(knob, config);
  f.later("host_program", config.context.host_program);
}

}  // namespace sweetspot
