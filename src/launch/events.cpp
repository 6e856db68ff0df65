#include "launch/events.hpp"

#include <fmt/format.h>

#include "core/text.hpp"

namespace sweetspot::launch {
namespace {

struct Teller {
  std::string operator()(const Starting& event) const {
    return fmt::format("starting profile {}", event.profile);
  }
  std::string operator()(const Healthy& event) const {
    std::string text =
        fmt::format("profile {} works after {}", event.profile, format_seconds(event.seconds));
    if (event.depth > 0) {
      text += event.inputs ? fmt::format(", proven with an input of {} tokens", event.depth)
                           : fmt::format(", proven to {} tokens of context", event.depth);
    }
    if (!event.doubt.empty())
      text += fmt::format("; its whole depth is not proven: {}", event.doubt);
    return text;
  }
  std::string operator()(const Failed& event) const {
    std::string text = fmt::format("profile {} failed: {}", event.profile, event.message);
    if (!event.next.empty()) text += fmt::format("; next: {}", event.next);
    return text;
  }
  std::string operator()(const Restarting& event) const {
    return fmt::format("{}; starting profile {} again", event.message, event.profile);
  }
  std::string operator()(const Warned& event) const { return "warning: " + event.text; }
  std::string operator()(const Moving& event) const {
    return event.down
               ? fmt::format("others take memory: from profile {} to {}", event.from, event.to)
               : fmt::format("memory is back: from profile {} to {}", event.from, event.to);
  }
  std::string operator()(const Finished& event) const {
    if (!event.error) return {};
    if (event.error->remedy.empty()) return event.error->message;
    return event.error->message + "; " + event.error->remedy;
  }
};

}  // namespace

std::string sentence(const Event& event) { return std::visit(Teller{}, event); }

}  // namespace sweetspot::launch
