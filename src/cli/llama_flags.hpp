// llama.cpp's short flags have more than one letter (-ngl, -ctk); CLI11 knows one-letter flags
// only. They are spelled out before parsing, so that what works there works here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/knobs.hpp"

namespace sweetspot::cli {

/// The command line without the program's name, each such flag replaced by its long form.
/// Everything after a lone "--" is left alone.
std::vector<std::string> spell_out_flags(int argc, const char* const* argv);

/// The names CLI11 accepts of a knob's `flags`: "-c,--ctx-size" of "-c,--ctx-size". Those of a
/// switch carry the value they stand for: "--kv-offload{on},--no-kv-offload{off}".
std::string parser_names(const Knob& knob);

/// The other ones, for the help text: " (also -ctk)", or nothing.
std::string also_known_as(const Knob& knob);

}  // namespace sweetspot::cli
