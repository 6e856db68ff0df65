// What a command says, on the two streams of its environment.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "process/standard_stream.hpp"
#include "report/live_line.hpp"

namespace sweetspot::cli {

/// Of JSON that a person may read.
inline constexpr int kJsonIndent = 2;

/// Writes the text to one of the environment's streams. main() tells what could not be written.
template <typename... Values>
void say(process::StandardStream* stream, fmt::format_string<Values...> format,
         Values&&... values) {
  stream->write(fmt::format(format, std::forward<Values>(values)...));
}

/// Said before what takes a while; as app::OnMeasuringShare.
inline void say_share_is_measured(const Environment& environment, const std::string& device) {
  say(environment.err, "measuring what the driver of {} itself takes (once per driver)\n",
      printable(device));
}

/// The stream as one of report's: for progress.
inline report::Sink sink_to(process::StandardStream* stream) {
  return [stream](std::string_view text) { stream->write(text); };
}

/// The whole answer of a command, on stdout; its exit code.
inline Result<int> print_all(const Environment& environment, std::string_view text) {
  environment.out->write(text);
  return 0;
}

}  // namespace sweetspot::cli
