#include "cli/choice_json.hpp"

namespace sweetspot::cli {
namespace {

Json rungs_to_json(const ProfileSet& set, const std::vector<profiles::Rung>& rungs) {
  Json list = Json::array();
  for (const profiles::Rung& rung : rungs) {
    list.push_back({{"profile", set.profiles[rung.profile].name},
                    {"fits", rung.fits},
                    {"why_not", rung.why_not},
                    {"missing_bytes", rung.missing_bytes}});
  }
  return list;
}

}  // namespace

Json choice_to_json(const ProfileSet& set, const profiles::Choice& choice,
                    const std::vector<std::string>& notes) {
  Json json = {{"schema", "sweetspot.choice/1"}};
  json["profile"] = choice.profile ? Json(set.profiles[*choice.profile].name) : Json(nullptr);
  json["reason"] = choice.reason;
  json["below"] = rungs_to_json(set, choice.below);
  json["passed"] = rungs_to_json(set, choice.passed);
  json["stale"] = choice.stale;
  json["usable"] = choice.usable;
  json["notes"] = notes;
  json["set"] = to_json(set);
  return json;
}

}  // namespace sweetspot::cli
