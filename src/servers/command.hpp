// How a llama-server of the user's is started: what `--engine` says, made a command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace sweetspot::servers {

/// The words before a llama-server's own flags.
struct ServerCommand {
  std::vector<std::string> argv;  ///< argv[0] is a path; {placeholders} as the user wrote them
  /// Somebody else starts the server (docker, ssh, a wrapper with arguments): its file cannot be
  /// looked at, and paths must be told to it.
  bool wrapped = false;

  bool operator==(const ServerCommand&) const = default;
};

/// What `--engine` takes for this command again.
std::string text_of(const ServerCommand& command);

/// What stands for the placeholders of a command.
struct Placeholders {
  std::string model_dir;  ///< {model_dir}: folder of the model's file
  std::string port;       ///< {port}
  std::string name;       ///< {name}: one that no other run has, for a container
};

/// Words of a line as a POSIX shell takes them apart: blanks, quotes and backslashes, nothing else.
/// Errors (usage): a quote that is not closed.
Result<std::vector<std::string>> words_of_line(std::string_view line);

/// One line of which words_of_line() makes these words again.
std::string line_of(const std::vector<std::string>& words);

/// `argv` with its placeholders filled in. Errors (usage): one that there is not.
Result<std::vector<std::string>> filled(const ServerCommand& command, const Placeholders& values);

/// The path of a file as the server has to be told it: whole where somebody else starts it, who may
/// do so in another folder.
std::string told_path(const ServerCommand& command, const std::string& path);

/// Whether somebody else decides what is started: a wrapped command, or one whose program is a
/// script. Its file says nothing of the server's.
bool hides_its_server(const ServerCommand& command);

/// What `text` means: the path of a program, a folder with llama-server or llama in it (or in its
/// bin or build/bin), a name in `path` (as the variable PATH), or a line of several words whose
/// first is a path or such a name. The program `llama` is asked to `serve`. Whether it is a
/// llama-server is not known yet.
/// Errors: usage: nothing is there, no right to execute it; device: it is for another processor.
Result<ServerCommand> command_of(std::string_view text, const std::string& path);

}  // namespace sweetspot::servers
