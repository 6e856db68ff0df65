#include "cli/print.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace sweetspot::cli {

Result<int> print_all(const std::string& text, std::string_view failure) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written || errno == EPIPE) return 0;
  return error(ErrorKind::output,
               fmt::format("{}: {}", failure, std::generic_category().message(errno)));
}

}  // namespace sweetspot::cli
