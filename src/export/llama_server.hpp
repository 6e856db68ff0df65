// A config as arguments of llama.cpp's programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "dialect/abilities.hpp"

namespace sweetspot::exporting {

/// Arguments that make llama-server (and llama-cli, where it has the flag) allocate what the config
/// allocates here: "--model" with `model_path`, "--rpc" where there are servers, then every knob
/// that differs from llama.cpp's own default or decides memory, then "--fit off", so that
/// llama-server changes none of it. With an `engine` in its words; what it lacks is left out.
std::vector<std::string> llama_server_arguments(const Config& config, std::string_view model_path,
                                                const std::vector<std::string>& rpc = {},
                                                const dialect::Abilities* engine = nullptr);

/// The same as a command for people: "llama-server", then in each word one option with its value,
/// by its short name and quoted as line_to_paste() quotes. Of an `engine` the options are in its
/// words, and `starter` is what starts it.
std::vector<std::string> command_words(const Config& config, std::string_view model_path,
                                       const std::vector<std::string>& rpc = {},
                                       const dialect::Abilities* engine = nullptr,
                                       const std::vector<std::string>& starter = {"llama-server"});

/// The arguments as one line that a program hands to a POSIX shell, whichever it is.
std::string shell_line(const std::vector<std::string>& arguments);

/// The arguments as one line that somebody will see and paste into a shell.
std::string line_to_paste(const std::vector<std::string>& arguments);

}  // namespace sweetspot::exporting
