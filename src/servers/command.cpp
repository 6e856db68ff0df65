#include "servers/command.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "core/text.hpp"
#include "ground/pieces.hpp"
#include "os/program.hpp"
#include "os/read_file.hpp"

namespace sweetspot::servers {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kRemedy =
    "name a llama-server, a folder with one, or a command line that starts one";

bool exists(const fs::path& path) {
  std::error_code problem;
  return fs::exists(path, problem);
}

bool is_file(const fs::path& path) {
  std::error_code problem;
  return fs::is_regular_file(path, problem);
}

bool is_folder(const fs::path& path) {
  std::error_code problem;
  return fs::is_directory(path, problem);
}

std::string whole_path(const fs::path& path) {
  std::error_code problem;
  const fs::path whole = fs::absolute(path, problem).lexically_normal();
  return problem ? path.string() : whole.string();
}

// ELF's machine numbers are the same on all systems; those of machines that run language models.
std::string processor_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_386:
      return "i686";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return "riscv64";
    case EM_PPC64:
      return "ppc64le";
    default:
      return fmt::format("another processor (ELF machine {})", machine);
  }
}

enum class FileKind { elf, script, other };

struct FileHead {
  FileKind kind = FileKind::other;
  unsigned machine = 0;  // of ELF
};

FileHead head_of(const std::string& path) {
  constexpr std::size_t kMachineAt = 18;
  std::array<std::byte, kMachineAt + 2> bytes{};
  const os::Descriptor file = os::open_to_read(path);
  if (!file || os::read_at(file, 0, bytes) < 2) return {};
  const auto at = [&bytes](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (at(0) == '#' && at(1) == '!') return {FileKind::script, 0};
  if (at(0) != ELFMAG0 || at(1) != 'E' || at(2) != 'L' || at(3) != 'F') return {};
  return {FileKind::elf, at(kMachineAt) | (at(kMachineAt + 1) << 8U)};
}

Status check_program(const std::string& path) {
  const std::string shown = shortened(path);
  if (access(path.c_str(), X_OK) != 0) {
    return error(ErrorKind::usage, fmt::format("{} may not be executed", shown),
                 fmt::format("if it is a llama-server: chmod +x {}", shown));
  }
  const FileHead head = head_of(path);
  if (head.kind == FileKind::other) {
    return error(ErrorKind::usage, fmt::format("{} is no program", shown), std::string(kRemedy));
  }
  utsname machine{};
  if (head.kind != FileKind::elf || uname(&machine) != 0) return {};
  const std::string theirs = processor_name(head.machine);
  if (theirs == machine.machine) return {};
  return error(
      ErrorKind::device,
      fmt::format("{} is a program for {}, and this machine is {}", shown, theirs, machine.machine),
      "take the llama-server that was built for this machine");
}

// The program `llama` has llama-server in it.
ServerCommand command_of_program(std::string path) {
  const bool serves = fs::path(path).filename() == "llama";
  ServerCommand command;
  command.argv.push_back(std::move(path));
  if (serves) command.argv.emplace_back("serve");
  return command;
}

Result<ServerCommand> command_of_file(const std::string& path) {
  if (const Status usable = check_program(path); !usable) return tl::unexpected(usable.error());
  return command_of_program(path);
}

Result<ServerCommand> command_of_folder(const fs::path& folder) {
  for (const char* below : {".", "bin", "build/bin"}) {
    for (const char* name : {"llama-server", "llama"}) {
      const fs::path candidate = folder / below / name;
      if (is_file(candidate)) return command_of_file(whole_path(candidate));
    }
  }
  return error(ErrorKind::usage,
               fmt::format("the folder {} has no llama-server in it", shortened(folder.string())),
               std::string(kRemedy));
}

Result<std::string> path_of_word(const std::string& word, const std::string& path) {
  if (word.find('/') == std::string::npos) {
    if (auto found = os::find_in_path(path, word)) return *std::move(found);
    return error(ErrorKind::usage, fmt::format("there is no program {} in PATH", shortened(word)),
                 std::string(kRemedy));
  }
  if (!exists(word)) {
    return error(ErrorKind::usage, fmt::format("{} does not exist", shortened(word)),
                 std::string(kRemedy));
  }
  return whole_path(word);
}

Result<ServerCommand> command_of_words(std::vector<std::string> words, const std::string& path) {
  Result<std::string> program = path_of_word(words.front(), path);
  if (!program) return tl::unexpected(program.error());
  if (const Status usable = check_program(*program); !usable) {
    return tl::unexpected(usable.error());
  }
  words.front() = *std::move(program);
  return ServerCommand{std::move(words), true};
}

}  // namespace

Result<std::vector<std::string>> words_of_line(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\'' && c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (kBlanks.find(c) != std::string_view::npos) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) {
    return error(ErrorKind::usage, fmt::format("a quote in '{}' is not closed", shortened(line)),
                 "close it");
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::string line_of(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && word.find_first_of(" \t\r\n'\"\\") == std::string::npos;
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::string text_of(const ServerCommand& command) {
  // Of `llama serve` the path says it all, and its file can be looked at.
  return command.wrapped ? line_of(command.argv) : command.argv.front();
}

std::string told_path(const ServerCommand& command, const std::string& path) {
  return command.wrapped ? whole_path(path) : path;
}

bool hides_its_server(const ServerCommand& command) {
  return command.wrapped || head_of(command.argv.front()).kind == FileKind::script;
}

Result<std::vector<std::string>> filled(const ServerCommand& command, const Placeholders& values) {
  const std::array<std::pair<std::string_view, const std::string*>, 3> known = {
      {{"{model_dir}", &values.model_dir}, {"{port}", &values.port}, {"{name}", &values.name}}};
  std::vector<std::string> argv = command.argv;
  for (std::string& word : argv) {
    for (const auto& [placeholder, value] : known) {
      for (std::size_t at = word.find(placeholder); at != std::string::npos;
           at = word.find(placeholder, at + value->size())) {
        word.replace(at, placeholder.size(), *value);
      }
    }
  }
  for (const std::string& word : command.argv) {
    for (std::size_t open = word.find('{'); open != std::string::npos;
         open = word.find('{', open + 1)) {
      const std::size_t close = word.find('}', open);
      if (close == std::string::npos) break;
      const std::string_view named = std::string_view(word).substr(open, close - open + 1);
      const bool is_known = std::any_of(known.begin(), known.end(),
                                        [&](const auto& each) { return each.first == named; });
      if (is_known) continue;
      return error(ErrorKind::usage,
                   fmt::format("--engine has no placeholder {}", shortened(named)),
                   "there are {model_dir}, {port} and {name}");
    }
  }
  return argv;
}

Result<ServerCommand> command_of(std::string_view text, const std::string& path) {
  const std::string whole(trimmed(text));
  if (whole.empty()) {
    return error(ErrorKind::usage, "--engine names nothing", std::string(kRemedy));
  }
  // A path may have blanks in it: what is there comes before what a line could mean.
  if (is_folder(whole)) return command_of_folder(whole);
  if (is_file(whole)) return command_of_file(whole_path(whole));
  Result<std::vector<std::string>> words = words_of_line(whole);
  if (!words) return tl::unexpected(words.error());
  if (words->size() > 1) return command_of_words(*std::move(words), path);
  Result<std::string> program = path_of_word(words->front(), path);
  if (!program) return tl::unexpected(program.error());
  return is_folder(*program) ? command_of_folder(*program) : command_of_file(*program);
}

}  // namespace sweetspot::servers
