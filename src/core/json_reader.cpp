#include "core/json_reader.hpp"

#include <cmath>

namespace sweetspot {
namespace {

// The text a knob's set() takes for what its get() gave.
std::string knob_text(const Json& value, const JsonPlace& here) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "on" : "off";
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (value.is_number()) refuse(here, "is not a whole number");
  if (!value.is_array()) refuse(here, "is not a setting");
  std::string joined;
  for (const Json& item : value) {
    if (!item.is_number() && !item.is_string())
      refuse(here, "holds what is neither number nor text");
    if (!joined.empty()) joined += ',';
    joined += item.is_number() ? item.dump() : item.get<std::string>();
  }
  return joined;
}

}  // namespace

std::string text_of(const JsonPlace& place) {
  if (place.outer == nullptr) return {};
  std::string text = text_of(*place.outer);
  if (place.index != JsonPlace::kNoIndex) {
    return text.append("[").append(std::to_string(place.index)).append("]");
  }
  if (!text.empty()) text += '.';
  return text += place.name;
}

void refuse(const std::string& sentence) {
  throw nlohmann::json::other_error::create(599, sentence, nullptr);
}

void refuse(const JsonPlace& place, std::string_view what) {
  std::string sentence = text_of(place);
  if (sentence.empty()) sentence = "it";
  refuse(sentence.append(" ").append(what));
}

JsonReader::JsonReader(const Json& object, const JsonPlace& place)
    : object_(object), place_(place) {
  if (!object.is_object()) refuse(place, "is not an object");
}

const Json& JsonReader::at(const JsonPlace& here) const {
  const auto member = object_.find(here.name);
  if (member == object_.end()) refuse(here, "is missing");
  return *member;
}

std::string JsonReader::reason(const char* name) const {
  const auto absent = object_.find("absent");
  if (absent == object_.end() || !absent->is_object()) return "not reported";
  const auto text = absent->find(name);
  if (text == absent->end()) return "not reported";
  std::string why;
  const JsonPlace reasons{&place_, "absent"};
  read(*text, {&reasons, name}, why);
  return why;
}

void JsonReader::constant(const char* name, const char* text) {
  std::string said;
  (*this)(name, said);
  if (said != text) refuse({&place_, name}, std::string("is not ").append(text));
}

void JsonReader::knob(const Knob& knob, Config& config, KnobNeed need) {
  const std::string name(knob.name);
  const JsonPlace here{&place_, name.c_str()};
  if (need == KnobNeed::optional && !has(here.name)) return;
  const Json& value = at(here);
  if (value.is_array() && value.empty()) return;
  if (const Status status = knob.set(config, knob_text(value, here)); !status) {
    refuse(here, std::string("is wrong: ").append(status.error().message));
  }
}

void JsonReader::check(bool holds, const char* sentence) const {
  if (holds) return;
  const std::string place = text_of(place_);
  refuse(place.empty() ? sentence : place + ": " + sentence);
}

void JsonReader::refuse_range(const JsonPlace& here, const std::string& value,
                              const std::string& low, const std::string& high) {
  refuse(here, std::string("is ")
                   .append(value)
                   .append(", outside ")
                   .append(low)
                   .append(" to ")
                   .append(high));
}

void JsonReader::refuse_name(const JsonPlace& here, const std::string& text) {
  refuse(here,
         std::string("is not a known ").append(here.name).append(": '").append(text).append("'"));
}

void JsonReader::read(const Json& json, const JsonPlace& here, bool& value) {
  if (!json.is_boolean()) refuse(here, "is not true or false");
  value = json.get<bool>();
}

void JsonReader::read(const Json& json, const JsonPlace& here, double& value) {
  if (!json.is_number()) refuse(here, "is not a number");
  value = json.get<double>();
}

// Only lists hold such (logits). Null is what the writer made of a NaN.
void JsonReader::read(const Json& json, const JsonPlace& here, float& value) {
  if (json.is_null()) {
    value = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  double wide = 0;
  read(json, here, wide);
  if (std::abs(wide) > static_cast<double>(std::numeric_limits<float>::max())) {
    refuse(here, "is not a list of numbers in range");
  }
  value = static_cast<float>(wide);
}

void JsonReader::read(const Json& json, const JsonPlace& here, std::string& value) {
  if (!json.is_string()) refuse(here, "is not text");
  value = json.get<std::string>();
}

void JsonReader::must_be_whole(const Json& json, const JsonPlace& here) {
  if (!json.is_number_integer()) refuse(here, "is not a whole number");
}

}  // namespace sweetspot
