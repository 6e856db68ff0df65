// What llama-server reads beside its command line: variables LLAMA_ARG_* and config files. Plans
// and measurements do not follow them, and the user is told so.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/knob_options.hpp"
#include "core/config.hpp"
#include "launch/uncounted.hpp"

namespace sweetspot::cli {

/// The variables as they are set now, then the lines of llama.cpp's config files: the system's and
/// the user's.
std::vector<launch::Variable> llama_variables();

/// The lines of a config file that count for every model: those above all sections and in [*] and
/// [default].
std::vector<launch::Variable> config_lines(std::istream& text, const std::string& file);

/// One line on stderr where a variable is set that would make llama-server take other memory than
/// `config` does and that no option of ours says: `given` are the knobs' texts, `layers_given` says
/// it of the layers.
void note_variables(const Environment& environment, const Config& config, const KnobTexts& given,
                    bool layers_given);

}  // namespace sweetspot::cli
