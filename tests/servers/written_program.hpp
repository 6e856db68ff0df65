// Programs written by tests: scripts that answer like a llama-server, or do not.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

namespace sweetspot::servers {

inline std::string written_program(const std::filesystem::path& path, const std::string& body) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << "#!/bin/sh\n" << body;
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path.string();
}

/// One that has the help of tests/dialect/help/NAME.txt, and writes a line into `asked` whenever it
/// is started.
inline std::string written_server(const std::filesystem::path& path, const std::string& help,
                                  const std::string& asked = "/dev/null") {
  return written_program(path, "echo \"$*\" >> '" + asked +
                                   "'\ncase \"$*\" in\n"
                                   "*--help*) cat '" HELP_TEXTS "/" +
                                   help +
                                   ".txt' ;;\n"
                                   "*--version*) echo 'version: 4100 (abc1234)' >&2 ;;\n"
                                   "*--list-devices*) printf 'Available devices:\\n"
                                   "  CUDA0: a card (6140 MiB, 5900 MiB free)\\n' ;;\n"
                                   "*) exit 1 ;;\nesac\n");
}

}  // namespace sweetspot::servers
