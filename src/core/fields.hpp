// What a value consists of, said once: a function fields(archive, value) beneath its struct lists
// the members with their names in JSON, in the order in which they are written.
//
//   void fields(auto& f, Is<Thing> auto& thing) {
//     f("name", thing.name);
//     f("used_bytes", thing.used_bytes, kPlausibleBytes);
//   }
//
// JsonWriter, JsonReader and the lister of the schema tests are archives. They know
//   f(name, member)           a flag, number, text, enum, list or described value; an optional is
//                             null where empty, a Reading null with its reason under "absent"
//   f(name, member, range)    the same; what is read must lie in the range
//   f.later(name, member)     documents from before there was such a member lack it, and are read
//                             with what the member held before
//   f.later(name, member, v)  likewise, but they meant v
//   f.derived(name, value)    written for readers of the document, follows from the rest: not read
//   f.constant(name, text)    what every document says
//   f.believed(name, reading, range, reason)   outside the range it reads as absent for that reason
//   f.knob(knob, config, need)                 a setting of the table of knobs
//   f.group(name, [&](auto& g) { ... })        members of the value in an object of their own
//   f.check(holds, sentence)  what the members that were read so far must fulfil
// A member that none of them makes optional must be there.
#pragma once

#include <concepts>
#include <optional>
#include <string>
#include <type_traits>

namespace sweetspot {

/// T is Value, const or not: one description serves those who write a value and those who read it.
template <typename T, typename Value>
concept Is = std::same_as<std::remove_const_t<T>, Value>;

/// Whether a document may lack a knob.
enum class KnobNeed { optional, required };

/// A text that is null where it says nothing.
inline std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace sweetspot
