// Internal to this room: what a server answers, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace sweetspot::adapter {

/// A discarded value, of no type, where the text is none.
inline nlohmann::json parse_json(std::string_view text) {
  return nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

}  // namespace sweetspot::adapter
