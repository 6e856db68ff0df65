// Profile sets: all that are kept, and one with its profiles.
#pragma once

#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/profile_set.hpp"
#include "report/table.hpp"

namespace sweetspot::report {

struct ListedSet {
  std::string file;  ///< its name, without the folder
  Result<ProfileSet> set;
};

/// One line for each set, then what is wrong with those that cannot be read. Texts are made
/// printable here. Whole lines.
std::string profile_sets_table(const std::vector<ListedSet>& sets, const Style& style);

/// What the set is for, its profiles, and what each rests on. Whole lines.
std::string profile_set_text(const ProfileSet& set, const Style& style);

}  // namespace sweetspot::report
