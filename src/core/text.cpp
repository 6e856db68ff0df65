#include "core/text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <optional>

#include "core/charset.hpp"

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

constexpr double kKi = 1024;

// Every unit is binary: a card sold as 6 GB has 6 GiB, and llama.cpp's users mean the same by 6G.
// Only 0 needs no unit.
std::optional<double> unit_factor(std::string_view unit) {
  if (unit.empty() || unit == "B" || unit == "b") return 1;
  std::string name;
  for (const char c : unit) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  constexpr std::string_view kPrefixes = "KMGT";
  const std::size_t prefix = kPrefixes.find(name.front());
  const std::string_view rest = std::string_view(name).substr(1);
  if (prefix == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) {
    return std::nullopt;
  }
  return std::pow(kKi, static_cast<double>(prefix) + 1);
}

// By a bare number llama.cpp's users mean MiB (--cache-ram, --fit-target), the kernel means bytes,
// and a small one is a card's GiB. A wrong guess would plan for another machine.
tl::unexpected<Error> without_unit(std::string_view digits, double number) {
  const auto reading = [&](std::string_view unit) {
    const double bytes = number * *unit_factor(unit);
    return fmt::format("{}{} ({})", digits, unit,
                       format_bytes(static_cast<std::uint64_t>(std::llround(bytes))));
  };
  constexpr double kLargestCardGiB = 1024;
  constexpr double kMostMiB = kKi * kKi * kKi;  // a PiB: above it nobody means MiB
  std::string readings = number < kLargestCardGiB ? fmt::format("{}GiB or {}MiB", digits, digits)
                         : number < kMostMiB      ? reading("MiB") + " or " + reading("B")
                                                  : reading("B");
  return error(ErrorKind::usage, fmt::format("'{}' has no unit", digits), "write " + readings);
}

const char* ellipsis() { return text_is_ascii() ? "..." : "…"; }

}  // namespace

std::string shortened(std::string_view text, std::size_t max_chars) {
  std::string_view rest = text;
  for (std::size_t chars = 0; chars < max_chars && !rest.empty(); ++chars) {
    rest.remove_prefix(std::max<std::size_t>(decode_utf8(rest).length, 1));
  }
  std::string kept(text.substr(0, text.size() - rest.size()));
  return rest.empty() ? kept : kept + ellipsis();
}

std::string printable(std::string_view text, std::size_t max_chars) {
  std::string out;
  std::size_t chars = 0;
  while (!text.empty()) {
    if (chars++ == max_chars) {
      out += ellipsis();
      break;
    }
    const Decoded decoded = decode_utf8(text);
    if (decoded.length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    if (can_deceive(decoded.code_point) || (text_is_ascii() && decoded.code_point > 0x7F)) {
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

bool is_printable(std::string_view text) {
  while (!text.empty()) {
    const Decoded decoded = decode_utf8(text);
    if (decoded.length == 0 || can_deceive(decoded.code_point)) return false;
    text.remove_prefix(decoded.length);
  }
  return true;
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
  constexpr double kMax = 9.0e18;  // below 2^63: sums of a few stay representable
  const auto reject = [&] {
    return error(ErrorKind::usage, fmt::format("'{}' is not a size", shortened(text)),
                 "write it like 6GiB or 512MiB");
  };
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || !std::isfinite(number) || number < 0) return reject();
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.data()));
  std::string_view unit = text.substr(digits.size());
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const std::optional<double> factor = unit_factor(unit);
  if (!factor || number * factor.value_or(1) > kMax) return reject();
  if (unit.empty() && number > 0) return without_unit(digits, number);
  return static_cast<std::uint64_t>(std::llround(number * *factor));
}

std::string format_bytes(std::uint64_t bytes) {
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

std::optional<double> seconds_apart(std::string_view from, std::string_view to) {
  const auto moment = [](std::string_view iso) -> std::optional<std::time_t> {
    std::tm parts{};
    const std::string text(iso);
    const char* const end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end == nullptr || *end != '\0') return std::nullopt;
    return timegm(&parts);
  };
  const auto start = moment(from);
  const auto finish = moment(to);
  if (!start || !finish || *finish < *start) return std::nullopt;
  return std::difftime(*finish, *start);
}

std::string capitalised(std::string text) {
  const std::string first = text.substr(0, text.find(' '));
  const bool is_word = !first.empty() && std::all_of(first.begin(), first.end(),
                                                     [](char c) { return c >= 'a' && c <= 'z'; });
  if (is_word) text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
}

}  // namespace sweetspot
