#include "cli/environment.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace sweetspot::cli {
namespace {

constexpr int kDefaultWidth = 100;
constexpr int kMaxWidth = 160;

bool colour_wanted() {
  const char* no_color = std::getenv("NO_COLOR");  // no-color.org: any non-empty value
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* term = std::getenv("TERM");
  return term == nullptr || std::string_view(term) != "dumb";
}

int terminal_width(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return std::min<int>(size.ws_col, kMaxWidth);
}

std::string data_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && *data == '/') return std::string(data) + "/sweetspot";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::string(home) + "/.local/share/sweetspot";
}

}  // namespace

Environment read_environment() {
  Environment environment;
  environment.data_folder = data_folder();
  environment.stdin_is_terminal = isatty(STDIN_FILENO) == 1;
  environment.stdout_is_terminal = isatty(STDOUT_FILENO) == 1;
  environment.stderr_is_terminal = isatty(STDERR_FILENO) == 1;
  environment.color = colour_wanted();
  if (environment.stdout_is_terminal) {
    environment.width = terminal_width(STDOUT_FILENO);
  } else if (environment.stderr_is_terminal) {
    environment.width = terminal_width(STDERR_FILENO);
  }
  return environment;
}

report::Style stdout_style(const Environment& environment) {
  return {environment.color && environment.stdout_is_terminal, environment.width};
}

report::Style stderr_style(const Environment& environment) {
  return {environment.color && environment.stderr_is_terminal, environment.width};
}

}  // namespace sweetspot::cli
