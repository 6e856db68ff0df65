// Text that comes from outside, and units that people read and type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/error.hpp"

namespace sweetspot {

/// At most `max_chars` characters of `text`, the rest cut with an ellipsis. For text from outside
/// that an error quotes: what is printed passes printable() there, whole sentences at a time.
std::string shortened(std::string_view text, std::size_t max_chars = 200);

/// `text` made safe for a terminal: control bytes, DEL, C1 controls, bidirectional overrides,
/// zero-width characters and invalid UTF-8 become \xNN or \u{NNNN}; at most `max_chars` characters
/// are kept, the rest is cut with an ellipsis. Where text is to be ASCII (core/charset.hpp) so is
/// everything beyond it. Model names and library output pass through here
/// before they are shown.
std::string printable(std::string_view text, std::size_t max_chars = 200);

/// Whether printable() has nothing to replace in `text`, wherever UTF-8 can be shown. Does not
/// depend on the terminal: what goes into a file is the same everywhere.
bool is_printable(std::string_view text);

/// Whether all of `text` is UTF-8 as RFC 3629 has it. JSON can carry nothing else.
bool is_utf8(std::string_view text);

/// "6GiB", "512 MiB", "6g", "6GB", "4096B", "0". Every unit is binary, in any case: a card sold as
/// 6 GB has 6 GiB. Errors: no size, or a number without a unit, with what it may have meant.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// "5.15 GiB", "640 MiB", "12 KiB", "3 B".
std::string format_bytes(std::uint64_t bytes);

/// "850 ms", "12.4 s", "3 min 20 s".
std::string format_seconds(double seconds);

/// UTC now as ISO 8601 with seconds, "2026-11-23T17:48:02Z".
std::string utc_now();

/// Seconds from one such time to a later one; nothing where either is none.
std::optional<double> seconds_apart(std::string_view from, std::string_view to);

/// As a sentence begins, but for a first word that is written as it is typed: "llama.cpp", "-c".
std::string capitalised(std::string text);

}  // namespace sweetspot
