#include "process/replace.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>

#include "process/own_limits.hpp"

namespace sweetspot::process {

Error replace_us_by(std::vector<std::string> argv) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (std::string& word : argv) words.push_back(word.data());
  words.push_back(nullptr);
  std::signal(SIGXFSZ, SIG_DFL);  // what we ignore the program would ignore too
  std::signal(SIGPIPE, SIG_DFL);
  restore_memory_limit();  // ours is not meant for it
  ::execvp(words.front(), words.data());
  return {ErrorKind::internal,
          fmt::format("cannot start {}: {}", argv.front(), std::generic_category().message(errno)),
          "open the file yourself"};
}

}  // namespace sweetspot::process
