// How the files of this room read and write the parts of an object. Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.hpp"
#include "core/ranges.hpp"

namespace sweetspot {

template <typename T>
T number_at(const Json& json, const char* field) {
  return checked<T>(json.at(field), field);
}

/// As number_at(), of a peer: what lies outside the range is refused like a wrong type.
template <typename T>
T number_at(const Json& json, const char* field, const Range<T>& range) {
  const T value = number_at<T>(json, field);
  if (!holds(range, value)) {
    throw nlohmann::json::other_error::create(599,
                                              std::string(field) + " is " + std::to_string(value) +
                                                  ", outside " + std::to_string(range.low) +
                                                  " to " + std::to_string(range.high),
                                              &json);
  }
  return value;
}

/// As take(), of a peer.
template <typename T>
Reading<T> take(const Json& json, const char* field, const Range<T>& range) {
  Reading<T> reading = take<T>(json, field);
  if (reading.has_value()) (void)number_at<T>(json, field, range);
  return reading;
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
