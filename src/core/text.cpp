#include "core/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>

namespace sweetspot {
namespace {

struct Decoded {
  char32_t code_point = 0;
  std::size_t length = 0;  // 0 = invalid
};

// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t code_point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code_point = (code_point << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code_point < kSmallest[length] || code_point > 0x10FFFF) return {};
  if (code_point >= 0xD800 && code_point <= 0xDFFF) return {};
  return {code_point, length};
}

bool can_deceive(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE007F);
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_chars) {
  std::string out;
  std::size_t chars = 0;
  while (!text.empty()) {
    if (chars++ == max_chars) {
      out += "…";
      break;
    }
    const Decoded decoded = decode_utf8(text);
    if (decoded.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (can_deceive(decoded.code_point)) {
      out += decoded.code_point < 0x80
                 ? fmt::format("\\x{:02x}", static_cast<unsigned>(decoded.code_point))
                 : fmt::format("\\u{{{:04x}}}", static_cast<unsigned>(decoded.code_point));
    } else {
      out += text.substr(0, decoded.length);
    }
    text.remove_prefix(decoded.length);
  }
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Decoded decoded = decode_utf8(text);
    if (decoded.length == 0) return false;
    text.remove_prefix(decoded.length);
  }
  return true;
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  struct Unit {
    std::string_view name;
    double factor;
  };
  constexpr double kKi = 1024;
  constexpr std::array<Unit, 14> kUnits = {{
      {"", 1},
      {"B", 1},
      {"K", kKi},
      {"KiB", kKi},
      {"KB", 1e3},
      {"M", kKi * kKi},
      {"MiB", kKi * kKi},
      {"MB", 1e6},
      {"G", kKi * kKi * kKi},
      {"GiB", kKi * kKi * kKi},
      {"GB", 1e9},
      {"T", kKi * kKi * kKi * kKi},
      {"TiB", kKi * kKi * kKi * kKi},
      {"TB", 1e12},
  }};
  const auto reject = [&] {
    return error(ErrorKind::usage, fmt::format("'{}' is not a size", printable(text)),
                 "write it like 6GiB, 512MiB or 8GB");
  };
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || !std::isfinite(number) || number < 0) return reject();
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit& known : kUnits) {
    if (unit != known.name) continue;
    const double bytes = number * known.factor;
    constexpr double kMax = 9.0e18;  // below 2^63: sums of a few stay representable
    if (bytes > kMax) return reject();
    return static_cast<std::uint64_t>(std::llround(bytes));
  }
  return reject();
}

std::string format_bytes(std::uint64_t bytes) {
  constexpr double kKi = 1024;
  const auto value = static_cast<double>(bytes);
  if (value >= kKi * kKi * kKi) return fmt::format("{:.2f} GiB", value / (kKi * kKi * kKi));
  if (value >= kKi * kKi) return fmt::format("{:.0f} MiB", value / (kKi * kKi));
  if (value >= kKi) return fmt::format("{:.0f} KiB", value / kKi);
  return fmt::format("{} B", bytes);
}

std::string format_seconds(double seconds) {
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace sweetspot
