// How the files of this room read and write the parts of an object. Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"

namespace sweetspot {

template <typename T>
T number_at(const Json& json, const char* field) {
  return checked<T>(json.at(field), field);
}

/// Throws as nlohmann does, so that guard() reports it.
[[noreturn]] inline void refuse(const Json& json, const std::string& why) {
  throw nlohmann::json::other_error::create(599, why, &json);
}

/// An enum that came as text; throws where nothing goes by that name.
template <typename Enum>
Enum enum_at(const Json& json, const char* field,
             std::optional<Enum> (*from_string)(std::string_view)) {
  const auto text = json.at(field).get<std::string>();
  if (const auto value = from_string(text)) return *value;
  refuse(json, std::string(field) + " has the unknown value '" + text + "'");
}

template <typename T, typename ToJson>
Json array_of(const std::vector<T>& items, ToJson&& item_to_json) {
  Json array = Json::array();
  for (const T& item : items) array.push_back(item_to_json(item));
  return array;
}

inline Json estimate_to_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

}  // namespace sweetspot
