#include "cli/percent.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/text.hpp"
#include "ground/pieces.hpp"

namespace sweetspot::cli {

Result<double> parse_percent(std::string_view text, std::string_view flag) {
  std::string_view number = text;
  if (number.ends_with('%')) number.remove_suffix(1);
  const auto percent = number_of<double>(number);
  if (!percent || !std::isfinite(*percent) || *percent <= 0 || *percent > 50) {
    return error(ErrorKind::usage, fmt::format("{} does not take '{}'", flag, shortened(text)),
                 "give a percentage above 0 and up to 50, for example 1%");
  }
  return *percent / 100;
}

}  // namespace sweetspot::cli
