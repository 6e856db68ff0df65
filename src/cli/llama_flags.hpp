// llama.cpp's flags on our command line: what works there works here, or is refused by its name.
//
// CLI11 knows one-letter short flags only, and takes "-cmoe" for "-c moe" and "-hf" for a wish for
// help. So flags are read before it sees them: short ones of llama.cpp are spelled out, shorthands
// become what they stand for, and what a command cannot honour ends here, with a reason.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/knobs.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace sweetspot::cli {

/// The command line without the program's name, as `app` can parse it. Everything after a lone "--"
/// is left alone. Errors (usage): a flag of llama-server that the command does not have, a flag
/// or a command that nobody has, with the one that may have been meant.
Result<std::vector<std::string>> spell_out_flags(std::span<const char* const> argv,
                                                 const CLI::App& app);

/// The names CLI11 accepts of a knob's `flags`: "-c,--ctx-size" of "-c,--ctx-size". Those of a
/// switch carry the value they stand for: "--kv-offload{on},--no-kv-offload{off}".
std::string parser_names(const Knob& knob);

/// The other ones, for the help text: " (also -ctk)", or nothing.
std::string also_known_as(const Knob& knob);

}  // namespace sweetspot::cli
