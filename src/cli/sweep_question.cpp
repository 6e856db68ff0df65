#include "cli/sweep_question.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "cli/layer_list.hpp"
#include "cli/print.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

std::string listed(const std::vector<int>& layers) {
  return fmt::format("{}", fmt::join(layers, ", "));
}

// One line from stdin; nothing at its end or when cancelled. Byte by byte, so that nothing is taken
// that belongs to a later question.
std::optional<std::string> read_line(const process::CancelToken* cancel) {
  std::string line;
  while (true) {
    std::array<pollfd, 2> wait = {{{STDIN_FILENO, POLLIN, 0}, {-1, POLLIN, 0}}};
    if (cancel != nullptr) wait[1].fd = cancel->fd();
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return std::nullopt;
    if (cancel != nullptr && cancel->cancelled()) return std::nullopt;
    if (wait[0].revents == 0) continue;
    char byte = 0;
    if (read(STDIN_FILENO, &byte, 1) <= 0) return std::nullopt;
    if (byte == '\n') return line;
    constexpr std::size_t kLongestAnswer = 4096;
    if (line.size() < kLongestAnswer) line += byte;
  }
}

}  // namespace

Result<SweepChoice> ask_for_sweep(const Environment& environment, int offloadable_layers) {
  const SweepChoice adaptive{"adaptive"};
  const SweepChoice quick{"quick", quick_layers(offloadable_layers)};
  const SweepChoice full{"full", full_layers(offloadable_layers)};
  say(environment.err, "Which layer counts shall be measured (of {})?\n", offloadable_layers);
  say(environment.err, "  1  adaptive: as few as settle what all {} would\n",
      offloadable_layers + 1);
  say(environment.err, "  2  quick: {}\n", listed(quick.requested_layers));
  say(environment.err, "  3  full:  {}\n", listed(full.requested_layers));
  say(environment.err, "  or a list of your own, like 0,8,16,-1\n");
  while (true) {
    say(environment.err, "[1]: ");
    const std::optional<std::string> answer = read_line(environment.workplace.cancel);
    if (environment.workplace.cancel != nullptr && environment.workplace.cancel->cancelled()) {
      return error(ErrorKind::interrupted, "interrupted before anything was measured");
    }
    if (!answer || answer->empty() || *answer == "1" || *answer == "adaptive") {
      return adaptive;
    }
    if (*answer == "2" || *answer == "quick") return quick;
    if (*answer == "3" || *answer == "full") return full;
    const auto list = parse_layer_list(*answer);
    if (list) return SweepChoice{"custom", *list};
    say(environment.err, "{}; {}\n", printable(list.error().message),
        printable(list.error().remedy));
  }
}

}  // namespace sweetspot::cli
