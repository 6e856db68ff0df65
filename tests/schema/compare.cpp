#include "schema/compare.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <set>
#include <utility>

namespace sweetspot::tests {
namespace {

using Words = std::set<std::string>;

// A part of a schema, and the file that its references are relative to.
struct Node {
  std::string file;
  std::shared_ptr<const Json> root;
  Json json;
  bool can_be_null = false;
};

Node referred(const Node& from, const std::string& reference) {
  const std::size_t hash = reference.find('#');
  const std::string file = reference.substr(0, hash);
  Node to = from;
  if (!file.empty()) to = {file, std::make_shared<const Json>(load_schema(file)), {}};
  const std::string pointer = hash == std::string::npos ? "" : reference.substr(hash + 1);
  to.json = to.root->at(Json::json_pointer(pointer));
  return to;
}

// Removes null from a list of types or words; a list of one type is that type.
bool take_null(Json& schema, const char* list) {
  if (!schema.contains(list) || !schema[list].is_array()) return false;
  Json rest = Json::array();
  bool found = false;
  for (const Json& each : schema[list]) {
    const bool is_null = each.is_null() || (each == "null" && std::string(list) == "type");
    found |= is_null;
    if (!is_null) rest.push_back(each);
  }
  schema[list] = rest.size() == 1 && std::string(list) == "type" ? Json(rest[0]) : rest;
  return found;
}

// Follows references, and the one kind of alternative that there is: null or something.
Node resolved(Node node) {
  bool can_be_null = false;
  while (true) {
    if (node.json.contains("$ref")) {
      node = referred(node, node.json["$ref"].get<std::string>());
    } else if (node.json.contains("oneOf")) {
      can_be_null = true;
      Json other;
      for (const Json& each : node.json["oneOf"]) {
        if (each != Json{{"type", "null"}}) other = each;
      }
      node.json = other;
    } else if (!node.json.contains("type") && node.json.contains("allOf")) {
      const Json first = node.json["allOf"][0];
      node.json = first;
    } else {
      break;
    }
  }
  for (const char* list : {"type", "enum"}) can_be_null |= take_null(node.json, list);
  node.can_be_null = can_be_null;
  return node;
}

Words texts(const Json& list) {
  Words words;
  for (const Json& each : list) words.insert(each.get<std::string>());
  return words;
}

Words keys(const Json& object) {
  Words words;
  for (const auto& item : object.items()) words.insert(item.key());
  return words;
}

class Comparison {
 public:
  std::vector<std::string> found;

  void compare(const std::string& place, const Node& unresolved, const Described& described) {
    const Node node = resolved(unresolved);
    if (node.can_be_null != described.can_be_null) {
      add(place, described.can_be_null ? "can be null" : "is never null");
    }
    compare_texts(place, node.json, described);
    if (described.type == "array") {
      compare(place + "[]", part(node, node.json.value("items", Json::object())),
              described.members.front());
    }
    if (described.type == "object") compare_members(place, node, described.members);
  }

 private:
  // What the program does and the schema does not say.
  void add(const std::string& place, const std::string& what) {
    found.push_back(place + " " + what);
  }

  static Node part(const Node& of, const Json& json) { return {of.file, of.root, json}; }

  void compare_texts(const std::string& place, const Json& schema, const Described& described) {
    const bool has_words = schema.contains("enum") || schema.contains("const");
    const std::string type = has_words ? "string" : schema.value("type", std::string("nothing"));
    if (type != described.type) add(place, "is of type " + described.type + ", not " + type);
    if (schema.value("const", std::string()) != described.constant) {
      add(place, "is always '" + described.constant + "'");
    }
    const Words words(described.words.begin(), described.words.end());
    if (!words.empty() && texts(schema.value("enum", Json::array())) != words) {
      add(place, "is one of " + Json(words).dump());
    }
  }

  void compare_members(const std::string& place, const Node& node,
                       const std::vector<Described>& members) {
    Words names;
    Words readings;
    for (const Described& member : members) {
      if (!names.insert(member.name).second) add(place, "has two members " + member.name);
      if (member.has_reason) readings.insert(member.name);
    }
    const Json properties = node.json.value("properties", Json::object());
    if (node.json.value("additionalProperties", true)) add(place, "is closed");
    if (texts(node.json.value("required", Json::array())) != names) {
      add(place, "requires " + Json(names).dump());
    }
    compare_reasons(place, properties, readings);
    for (const std::string& known : keys(properties)) {
      if (known != "absent" && names.count(known) == 0) add(place, "has no " + known);
    }
    for (const Described& member : members) {
      const std::string at = place + "/" + member.name;
      if (properties.contains(member.name)) {
        compare(at, part(node, properties[member.name]), member);
      } else {
        add(at, "is written");
      }
    }
  }

  void compare_reasons(const std::string& place, const Json& properties, const Words& readings) {
    Words reasons;
    if (properties.contains("absent")) {
      reasons = texts(properties["absent"]["propertyNames"]["enum"]);
    }
    if (reasons != readings) add(place, "has reasons for " + Json(readings).dump());
  }
};

}  // namespace

Json load_schema(const std::string& file) {
  std::ifstream stream(std::string(SWEETSPOT_SCHEMA_FOLDER) + "/" + file);
  EXPECT_TRUE(stream) << file;
  return Json::parse(stream);
}

std::vector<std::string> differences(const std::string& file, const Json& schema,
                                     const Described& described) {
  Comparison comparison;
  comparison.compare("", {file, std::make_shared<const Json>(schema), schema}, described);
  return std::move(comparison.found);
}

}  // namespace sweetspot::tests
