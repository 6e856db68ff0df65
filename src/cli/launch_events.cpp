#include "cli/launch_events.hpp"

#include <fmt/format.h>

#include <variant>

#include "cli/print.hpp"
#include "core/text.hpp"

namespace sweetspot::cli {
namespace {

struct ToJson {
  Json operator()(const launch::Starting& event) const {
    return {{"event", "starting"}, {"profile", event.profile}, {"command", event.command}};
  }
  Json operator()(const launch::Healthy& event) const {
    Json json = {{"event", "healthy"}, {"profile", event.profile}, {"seconds", event.seconds}};
    json["depth_tokens"] = event.depth > 0 ? Json(event.depth) : Json(nullptr);
    json["inputs"] = event.inputs;
    json["doubt"] = event.doubt.empty() ? Json(nullptr) : Json(event.doubt);
    return json;
  }
  Json operator()(const launch::Failed& event) const {
    return {{"event", "failed"},
            {"profile", event.profile},
            {"message", event.message},
            {"next", event.next.empty() ? Json(nullptr) : Json(event.next)}};
  }
  Json operator()(const launch::Restarting& event) const {
    return {{"event", "restarting"}, {"profile", event.profile}, {"message", event.message}};
  }
  Json operator()(const launch::Warned& event) const {
    return {{"event", "warning"}, {"message", event.text}};
  }
  Json operator()(const launch::Moving& event) const {
    return {{"event", "moving"},
            {"from", event.from},
            {"to", event.to},
            {"why", event.down ? "memory-short" : "memory-back"}};
  }
  Json operator()(const launch::Finished& event) const {
    Json json = {{"event", "finished"}, {"exit_code", event.exit_code}};
    json["error"] = event.error ? Json(event.error->message) : Json(nullptr);
    return json;
  }
};

}  // namespace

Json to_json(const launch::Event& event) {
  Json json = std::visit(ToJson{}, event);
  json["at"] = utc_now();
  return json;
}

void tell(process::StandardStream* stream, const launch::Event& event, bool json) {
  constexpr std::size_t kMostChars = 1000;
  if (json) {
    say(stream, "{}\n", dump(to_json(event)));
    return;
  }
  const std::string text = sentence(event);
  if (!text.empty()) say(stream, "sweetspot: {}.\n", printable(text, kMostChars));
}

}  // namespace sweetspot::cli
