// The archive that lists what a description says (core/fields.hpp), to hold a JSON Schema against.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/enum_names.hpp"
#include "core/json_writer.hpp"
#include "core/knobs.hpp"
#include "core/ranges.hpp"
#include "core/reading.hpp"

namespace sweetspot::tests {

/// What a description says of one value.
struct Described {
  std::string name = {};
  std::string type;  ///< JSON Schema's word
  bool can_be_null = false;
  bool has_reason = false;  ///< where it is null
  std::string constant = {};
  std::vector<std::string> words = {};  ///< of an enum
  std::vector<Described> members = {};  ///< of an object; of a list the one kind of item
};

template <typename T>
Described describe();

class FieldList {
 public:
  std::vector<Described> members;

  template <typename T>
  void operator()(const char* name, const T& /*value*/) {
    add(name, describe<T>());
  }
  template <typename T>
  void operator()(const char* name, const Reading<T>& /*reading*/) {
    Described described = describe<T>();
    described.can_be_null = described.has_reason = true;
    add(name, std::move(described));
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
  template <typename T>
  void believed(const char* name, const Reading<T>& reading, const Range<T>& /*range*/,
                const char* /*reason*/) {
    (*this)(name, reading);
  }
  void constant(const char* name, const char* text) {
    Described described = describe<std::string>();
    described.constant = text;
    add(name, std::move(described));
  }
  void knob(const Knob& knob, const Config& config, KnobNeed /*need*/ = KnobNeed::optional) {
    add(std::string(knob.name),
        std::visit([]<typename T>(const T& /*value*/) { return describe<T>(); }, knob.get(config)));
  }
  template <typename Members>
  void group(const char* name, Members&& list_members) {
    FieldList inner;
    list_members(inner);
    add(name, {.type = "object", .members = std::move(inner.members)});
  }
  void check(bool /*holds*/, const char* /*sentence*/) {}

 private:
  void add(std::string name, Described described) {
    described.name = std::move(name);
    members.push_back(std::move(described));
  }
};

template <typename T>
struct ItemOf {};
template <typename T>
struct ItemOf<std::vector<T>> {
  using Type = T;
};
template <typename T>
struct ItemOf<std::optional<T>> {
  using Type = T;
};

template <typename Enum>
std::vector<std::string> words_of() {
  std::vector<std::string> words;
  for (const auto& [value, name] : names_of(Enum{})) words.emplace_back(name);
  return words;
}

template <typename T>
Described describe() {
  if constexpr (std::same_as<T, bool>) {
    return {.type = "boolean"};
  } else if constexpr (std::integral<T>) {
    return {.type = "integer"};
  } else if constexpr (std::floating_point<T>) {
    return {.type = "number"};
  } else if constexpr (std::same_as<T, std::string>) {
    return {.type = "string"};
  } else if constexpr (std::is_enum_v<T>) {
    return {.type = "string", .words = words_of<T>()};
  } else if constexpr (kIsList<T>) {
    return {.type = "array", .members = {describe<typename ItemOf<T>::Type>()}};
  } else if constexpr (kIsOptional<T>) {
    Described described = describe<typename ItemOf<T>::Type>();
    described.can_be_null = true;
    return described;
  } else {
    FieldList list;
    T value{};
    fields(list, value);
    return {.type = "object", .members = std::move(list.members)};
  }
}

}  // namespace sweetspot::tests
