// The archive that makes JSON of described values (core/fields.hpp).
#pragma once

#include <cmath>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/json.hpp"
#include "core/knobs.hpp"
#include "core/ranges.hpp"

namespace sweetspot {

template <typename T>
Json json_of(const T& value);

Json knob_to_json(const KnobValue& value);

class JsonWriter {
 public:
  /// Sets members of `object`, which outlives the writer.
  explicit JsonWriter(Json& object) : object_(object) {}

  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = json_of(value);
  }
  template <typename T>
  void operator()(const char* name, const Reading<T>& reading) {
    if (reading) {
      object_[name] = json_of(*reading);
    } else {
      put_absent(object_, name, reading.reason());
    }
  }
  template <typename T, typename Bound>
  void operator()(const char* name, const T& value, const Range<Bound>& /*range*/) {
    (*this)(name, value);
  }
  template <typename T, typename... Rule>
  void later(const char* name, const T& value, const Rule&... /*rule*/) {
    (*this)(name, value);
  }
  template <typename T>
  void derived(const char* name, const T& value) {
    (*this)(name, value);
  }
  void constant(const char* name, const char* text) { object_[name] = text; }
  template <typename T>
  void believed(const char* name, const Reading<T>& reading, const Range<T>& /*range*/,
                const char* /*reason*/) {
    (*this)(name, reading);
  }
  void knob(const Knob& knob, const Config& config, KnobNeed /*need*/ = KnobNeed::optional) {
    object_[std::string(knob.name)] = knob_to_json(knob.get(config));
  }
  template <typename Members>
  void group(const char* name, Members&& members) {
    Json inner = Json::object();
    JsonWriter writer(inner);
    members(writer);
    object_[name] = std::move(inner);
  }
  void check(bool /*holds*/, const char* /*sentence*/) {}

 private:
  Json& object_;
};

// JSON has no NaN and no infinity: both are null.
template <std::floating_point T>
Json json_of_number(T value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

template <typename T>
Json json_of_list(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(json_of(item));
  return list;
}

template <typename T>
Json json_of_optional(const std::optional<T>& value) {
  return value ? json_of(*value) : Json(nullptr);
}

template <typename T>
inline constexpr bool kIsList = false;
template <typename T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
Json json_of(const T& value) {
  if constexpr (std::floating_point<T>) {
    return json_of_number(value);
  } else if constexpr (std::integral<T> || std::same_as<T, std::string> ||
                       std::same_as<T, std::string_view>) {
    return value;
  } else if constexpr (std::is_enum_v<T>) {
    return to_string(value);
  } else if constexpr (kIsList<T>) {
    return json_of_list(value);
  } else if constexpr (kIsOptional<T>) {
    return json_of_optional(value);
  } else {
    Json object = Json::object();
    JsonWriter writer(object);
    fields(writer, value);
    return object;
  }
}

}  // namespace sweetspot
