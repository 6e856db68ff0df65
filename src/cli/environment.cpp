#include "cli/environment.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "core/charset.hpp"
#include "servers/read.hpp"
#include "store/profile_set_file.hpp"

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

std::string_view variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

int terminal_width(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kDefaultWidth;
  return std::min<int>(size.ws_col, kMaxWidth);
}

}  // namespace

Environment read_environment() {
  if (!locale_is_utf8(variable("LC_ALL"), variable("LC_CTYPE"), variable("LANG"))) {
    use_ascii_text();
  }
  Environment environment;
  environment.workplace.data_folder = store::user_data_folder();
  environment.workplace.cache_folder = servers::user_cache_folder();
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
