// A choice as JSON: sweetspot.choice/1, docs/formats/choice-1.schema.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/fields.hpp"
#include "core/json.hpp"
#include "core/profile_set.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::cli {

/// A rung of the ladder, by the name of its profile.
struct RungRow {
  std::string profile;
  bool fits = false;
  std::string why_not;
  std::uint64_t missing_bytes = 0;
};

void fields(auto& f, Is<RungRow> auto& rung) {
  f("profile", rung.profile);
  f("fits", rung.fits);
  f("why_not", rung.why_not);
  f("missing_bytes", rung.missing_bytes);
}

/// sweetspot.choice/1.
struct ChoiceDocument {
  std::optional<std::string> profile;
  std::string reason;
  std::vector<RungRow> below;
  std::vector<RungRow> passed;
  std::vector<std::string> stale;
  bool usable = true;
  std::vector<std::string> notes;
  ProfileSet set;
};

void fields(auto& f, Is<ChoiceDocument> auto& choice) {
  f.constant("schema", "sweetspot.choice/1");
  f("profile", choice.profile);
  f("reason", choice.reason);
  f("below", choice.below);
  f("passed", choice.passed);
  f("stale", choice.stale);
  f("usable", choice.usable);
  f("notes", choice.notes);
  f("set", choice.set);
}

Json choice_to_json(const ProfileSet& set, const profiles::Choice& choice,
                    const std::vector<std::string>& notes);

}  // namespace sweetspot::cli
