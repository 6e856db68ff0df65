#include "launch/end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include "core/clues.hpp"
#include "core/text.hpp"

namespace sweetspot::launch {
namespace {

constexpr std::size_t kQuotedChars = 200;

// Lines that end a program whatever profile it is given.
struct Hopeless {
  std::string_view words;
  ErrorKind error;
  std::string_view message;
};
constexpr std::array<Hopeless, 4> kHopeless = {{
    {"error: invalid argument", ErrorKind::usage, "does not know an argument"},
    {"error while handling argument", ErrorKind::usage, "refuses an argument"},
    {"couldn't bind HTTP server socket", ErrorKind::usage, "cannot listen at its address"},
    {"error: unrecognized argument", ErrorKind::usage, "does not know an argument"},
}};

std::string line_with(std::string_view text, std::string_view words) {
  const std::size_t at = text.find(words);
  if (at == std::string_view::npos) return {};
  const std::size_t before = text.rfind('\n', at);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  return printable(text.substr(begin, text.find('\n', at) - begin), kQuotedChars);
}

std::optional<End> hopeless_words(std::string_view program, std::string_view printed) {
  for (const Hopeless& each : kHopeless) {
    if (printed.find(each.words) == std::string_view::npos) continue;
    return End{EndKind::hopeless,
               fmt::format("{} {} ({})", program, each.message, line_with(printed, each.words)),
               {},
               each.error};
  }
  return std::nullopt;
}

EndKind kind_of(FailureClass failure_class) {
  switch (failure_class) {
    case FailureClass::out_of_device_memory:
    case FailureClass::out_of_host_memory:
      return EndKind::out_of_memory;
    case FailureClass::model_invalid:
    case FailureClass::model_unsupported:
    case FailureClass::host_limit:
      return EndKind::hopeless;
    default:
      return EndKind::crashed;
  }
}

// A server loads, makes its context and decodes without saying when it does what: a clue counts in
// whichever of them it belongs to.
std::optional<Finding> clue_in(std::string_view printed) {
  std::optional<Finding> model = find_clue(printed, Phase::load);
  if (model && kind_of(model->failure_class) != EndKind::hopeless) return model;
  if (auto context = find_clue(printed, Phase::context)) return context;
  return model;
}

std::string how(const process::ExitStatus& status) {
  if (status.code) return fmt::format("ended with exit code {}", *status.code);
  const int signal = status.signal.value_or(0);
  const char* const name = sigabbrev_np(signal);
  return fmt::format("was ended by {}", name == nullptr ? fmt::format("signal {}", signal)
                                                        : fmt::format("SIG{}", name));
}

std::string in_brackets(const std::string& text) {
  return text.empty() ? std::string() : " (" + text + ")";
}

std::string last_said(std::string_view printed) {
  const std::string words = last_words(printed);
  return words.empty() ? last_line(printed) : words;
}

}  // namespace

End end_of_exit(std::string_view program, const process::ExitStatus& status,
                std::string_view printed, bool healthy) {
  if (status.code == 0) return {EndKind::exited, fmt::format("{} has ended", program), status};
  if (!healthy) {
    if (auto end = hopeless_words(program, printed)) {
      end->status = status;
      return *std::move(end);
    }
  }
  if (const auto clue = clue_in(printed)) {
    const EndKind kind = kind_of(clue->failure_class);
    // After it has worked the model file cannot be at fault.
    if (kind != EndKind::hopeless || !healthy) {
      const bool limit = clue->failure_class == FailureClass::host_limit;
      return {kind, fmt::format("{} {}: {}", program, how(status), clue->message), status,
              limit ? ErrorKind::host_limit : ErrorKind::model};
    }
  }
  return {EndKind::crashed,
          fmt::format("{} {}{}", program, how(status), in_brackets(last_said(printed))), status};
}

End end_of_timeout(std::string_view program, double seconds, std::string_view doing) {
  return {EndKind::timed_out,
          fmt::format("{} {} after {}", program, doing, format_seconds(seconds))};
}

End end_of_refusal(std::string_view program, std::string_view what, std::string_view printed) {
  const auto clue = clue_in(printed);
  const bool memory = clue && kind_of(clue->failure_class) == EndKind::out_of_memory;
  return {memory ? EndKind::out_of_memory : EndKind::crashed,
          fmt::format("{} {}{}", program, what, memory ? ": " + clue->message : std::string())};
}

}  // namespace sweetspot::launch
