// A choice as JSON: sweetspot.choice/1, docs/formats/choice-1.schema.json.
#pragma once

#include <string>
#include <vector>

#include "core/json.hpp"
#include "core/profile_set.hpp"
#include "profiles/choose.hpp"

namespace sweetspot::cli {

Json choice_to_json(const ProfileSet& set, const profiles::Choice& choice,
                    const std::vector<std::string>& notes);

}  // namespace sweetspot::cli
