// Whether a hand-kept JSON Schema and a description (core/fields.hpp) say the same.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "schema/field_list.hpp"

namespace sweetspot::tests {

/// The schema of that file in docs/formats.
Json load_schema(const std::string& file);

/// What differs, a sentence each: members on one side only, what is required, types, null, the
/// words of enums, constants, and which readings have a reason under "absent". A schema may also
/// restrict what the description leaves open (lengths, ranges, words of a text).
std::vector<std::string> differences(const std::string& file, const Json& schema,
                                     const Described& described);

template <typename T>
std::vector<std::string> differences(const std::string& file) {
  return differences(file, load_schema(file), describe<T>());
}

}  // namespace sweetspot::tests
