// The archive that reads described values (core/fields.hpp) of what somebody else wrote.
//
// It is strict: a member that is missing, of another type, out of its range or without a known
// meaning is refused, and the sentence names the place: "profiles[0].needs[1].bytes is missing".
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/enum_names.hpp"
#include "core/fields.hpp"
#include "core/json.hpp"
#include "core/json_writer.hpp"
#include "core/knobs.hpp"
#include "core/ranges.hpp"

namespace sweetspot {

/// Where in its document a value lies. Made on the stack on the way down, turned into text where
/// something is refused.
struct JsonPlace {
  static constexpr std::size_t kNoIndex = std::numeric_limits<std::size_t>::max();

  const JsonPlace* outer = nullptr;
  const char* name = "";         ///< of the member; unused where there is an index
  std::size_t index = kNoIndex;  ///< in the list that `outer` is
};

/// "profiles[0].needs"; empty for the document itself.
std::string text_of(const JsonPlace& place);

/// Throws what guard() turns into an error.
[[noreturn]] void refuse(const std::string& sentence);

/// Likewise: "<place> <what>".
[[noreturn]] void refuse(const JsonPlace& place, std::string_view what);

/// The whole document as a T, or the value of what goes by that name. Throws like everything here:
/// for use inside guard().
template <typename T>
T value_from(const Json& json, const char* name = "");

template <typename T>
inline constexpr bool kIsPlain =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || std::same_as<T, std::string>;

class JsonReader {
 public:
  /// Refuses what is no object. Both outlive the reader.
  JsonReader(const Json& object, const JsonPlace& place);
  JsonReader(const Json& object, const JsonPlace&& place) = delete;

  template <typename T>
  void operator()(const char* name, T& value) {
    const JsonPlace here{&place_, name};
    read(at(here), here, value);
  }
  template <typename T>
  void operator()(const char* name, Reading<T>& reading) {
    const JsonPlace here{&place_, name};
    const Json& json = at(here);
    if (json.is_null()) {
      reading = Absence{reason(name)};
      return;
    }
    T value{};
    read(json, here, value);
    reading = std::move(value);
  }
  template <typename T, typename Bound>
  void operator()(const char* name, T& value, const Range<Bound>& range) {
    (*this)(name, value);
    must_hold(range, value, {&place_, name});
  }
  template <typename T, typename Bound>
  void operator()(const char* name, Reading<T>& reading, const Range<Bound>& range) {
    (*this)(name, reading);
    if (reading) must_hold(range, *reading, {&place_, name});
  }
  template <typename T>
  void later(const char* name, T& value) {
    if (has(name)) (*this)(name, value);
  }
  template <typename T, typename Bound>
  void later(const char* name, T& value, const Range<Bound>& range) {
    if (has(name)) (*this)(name, value, range);
  }
  template <typename T>
  void later(const char* name, T& value, const std::type_identity_t<T>& meant) {
    value = meant;
    later(name, value);
  }
  template <typename T>
  void derived(const char* /*name*/, const T& /*value*/) {}
  void constant(const char* name, const char* text);
  template <typename T>
  void believed(const char* name, Reading<T>& reading, const Range<T>& range, const char* why_not) {
    (*this)(name, reading);
    if (reading && !holds(range, *reading)) reading = Absence{why_not};
  }
  void knob(const Knob& knob, Config& config, KnobNeed need = KnobNeed::optional);
  template <typename Members>
  void group(const char* name, Members&& members) {
    const JsonPlace here{&place_, name};
    if (!has(name)) refuse(here, "is not an object: it is missing");
    JsonReader reader(at(here), here);
    members(reader);
  }
  void check(bool holds, const char* sentence) const;

 private:
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }
  [[nodiscard]] const Json& at(const JsonPlace& here) const;
  [[nodiscard]] std::string reason(const char* name) const;

  template <typename Bound>
  static void must_hold(const Range<Bound>& range, Bound value, const JsonPlace& here) {
    if (!holds(range, value)) {
      refuse_range(here, std::to_string(value), std::to_string(range.low),
                   std::to_string(range.high));
    }
  }
  [[noreturn]] static void refuse_range(const JsonPlace& here, const std::string& value,
                                        const std::string& low, const std::string& high);
  [[noreturn]] static void refuse_name(const JsonPlace& here, const std::string& text);

  static void read(const Json& json, const JsonPlace& here, bool& value);
  static void read(const Json& json, const JsonPlace& here, double& value);
  static void read(const Json& json, const JsonPlace& here, float& value);
  static void read(const Json& json, const JsonPlace& here, std::string& value);
  static void must_be_whole(const Json& json, const JsonPlace& here);

  template <typename T>
  static void read(const Json& json, const JsonPlace& here, T& value) {
    if constexpr (std::integral<T>) {
      must_be_whole(json, here);
      const bool fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                  : std::in_range<T>(json.get<std::int64_t>());
      if (!fits) refuse(here, "is not in range");
      value = json.get<T>();
    } else if constexpr (std::is_enum_v<T>) {
      std::string text;
      read(json, here, text);
      const std::optional<T> known = from_string<T>(text);
      if (!known) refuse_name(here, text);
      value = *known;
    } else if constexpr (kIsList<T>) {
      read_list(json, here, value);
    } else if constexpr (kIsOptional<T>) {
      value.reset();
      if (!json.is_null()) read(json, here, value.emplace());
    } else {
      JsonReader reader(json, here);
      fields(reader, value);
    }
  }
  template <typename T>
  static void read_list(const Json& json, const JsonPlace& here, std::vector<T>& items) {
    if (!json.is_array()) refuse(here, "is not a list");
    items.clear();
    items.reserve(json.size());
    for (const Json& item : json) {
      const JsonPlace place{&here, "", items.size()};
      // A list of plain values is wrong as a whole.
      read(item, kIsPlain<T> ? here : place, items.emplace_back());
    }
  }

  template <typename T>
  friend T value_from(const Json& json, const char* name);

  const Json& object_;
  const JsonPlace& place_;
};

template <typename T>
T value_from(const Json& json, const char* name) {
  T value{};
  const JsonPlace document;
  JsonReader::read(json, *name == '\0' ? document : JsonPlace{&document, name}, value);
  return value;
}

}  // namespace sweetspot
